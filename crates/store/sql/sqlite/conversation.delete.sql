-- Session ?1 goes. Index session_conversation_session.
DELETE FROM session_conversation WHERE session = ?1;
