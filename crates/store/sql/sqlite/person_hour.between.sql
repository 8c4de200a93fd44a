-- People seen in hours [?1, ?2). Primary key range.
SELECT DISTINCT person FROM person_hour WHERE hour >= ?1 AND hour < ?2;
