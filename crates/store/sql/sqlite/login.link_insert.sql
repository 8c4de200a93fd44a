-- A one-use link. ?1 hash, ?2 expiry.
INSERT OR REPLACE INTO login_link (hash, expires_at) VALUES (?1, ?2);
