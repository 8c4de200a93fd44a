-- The definitions of a listing. ?1 row, ?2 zstd of the JSON array. Primary key.
UPDATE catalog SET tools = ?2 WHERE row = ?1 AND tools IS NULL;
