-- Rows whose raw time lies in a window of keys, with the wanted hash. ?1 first key, ?2 last key, ?3 hash. Primary key.
SELECT seq FROM seen WHERE key BETWEEN ?1 AND ?2 AND substr(key, 9) = ?3;
