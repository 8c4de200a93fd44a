-- How many events match words, counted up to ?2. ?1 words. The index alone; stops early.
SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ?1 LIMIT ?2);
