-- Sessions after row ?1, at most ?2, with their facts and whom they are put down to. Primary key.
SELECT row, facts, attributed FROM session WHERE row > ?1 AND merged_into IS NULL ORDER BY row LIMIT ?2;
