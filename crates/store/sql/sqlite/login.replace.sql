-- Another secret for session ?1: ?2 its hash, ?3 now.
INSERT INTO login (hash, created_at, used_at, member, rotated_at)
SELECT ?2, created_at, ?3, member, ?3 FROM login WHERE hash = ?1 AND ends_at IS NULL;
