-- People after row ?1 that merges name, at most ?2. Primary key.
SELECT row FROM person WHERE row > ?1 AND linked = 1 ORDER BY row LIMIT ?2;
