-- A dashboard session. ?1 hash, ?2 now, ?3 member.
INSERT OR REPLACE INTO login (hash, created_at, used_at, member, rotated_at) VALUES (?1, ?2, ?2, ?3, ?2);
