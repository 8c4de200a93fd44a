-- An event of session ?2 named account ?1. Primary key.
INSERT OR IGNORE INTO account_session (account, session) VALUES (?1, ?2);
