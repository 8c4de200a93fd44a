-- Issue ?1 happened in session ?2. Primary key.
INSERT OR IGNORE INTO issue_session (issue, session) VALUES (?1, ?2);
