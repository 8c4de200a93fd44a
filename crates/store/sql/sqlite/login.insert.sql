-- A dashboard session. ?1 hash, ?2 now.
INSERT OR REPLACE INTO login (hash, created_at, used_at) VALUES (?1, ?2, ?2);
