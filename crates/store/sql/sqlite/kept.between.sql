-- How often the days [?1, ?2) were changed; none where not since it is counted. Primary key range.
SELECT day, n FROM kept WHERE day >= ?1 AND day < ?2;
