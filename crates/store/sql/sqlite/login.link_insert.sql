-- A one-use link. ?1 hash, ?2 expiry, ?3 member.
INSERT OR REPLACE INTO login_link (hash, expires_at, member) VALUES (?1, ?2, ?3);
