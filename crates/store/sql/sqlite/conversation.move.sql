-- A bridge: conversations of session ?2 are those of session ?1. Index session_conversation_session.
UPDATE OR REPLACE session_conversation SET session = ?1 WHERE session = ?2;
