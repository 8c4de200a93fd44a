-- Session ?2 carried conversation ?1. Primary key.
INSERT OR IGNORE INTO session_conversation (conversation, session) VALUES (?1, ?2);
