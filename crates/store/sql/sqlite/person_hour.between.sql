-- People seen in hours [?1, ?2), some more than once. Primary key range.
SELECT person FROM person_hour WHERE hour >= ?1 AND hour < ?2;
