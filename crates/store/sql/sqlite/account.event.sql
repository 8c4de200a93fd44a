-- Event ?1 names account ?2. Primary key, at its end.
INSERT OR IGNORE INTO account_event (seq, account) VALUES (?1, ?2);
