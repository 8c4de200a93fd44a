-- An event of session ?2 named account ?1; ?3: one that names nobody. Primary key.
INSERT INTO account_session (account, session, nameless) VALUES (?1, ?2, ?3)
ON CONFLICT (account, session) DO UPDATE SET nameless = max(nameless, excluded.nameless);
