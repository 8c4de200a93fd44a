-- People seen on days [?1, ?2), some more than once. Primary key range.
SELECT person FROM person_day WHERE day >= ?1 AND day < ?2;
