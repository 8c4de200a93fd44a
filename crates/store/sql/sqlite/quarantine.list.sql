-- The newest refused bodies with the first characters of what is kept. ?1 most rows. Primary key backwards.
SELECT id, at, reason, project_text, route, user_agent, bytes, events, replayable, substr(body, 1, 256)
FROM quarantine ORDER BY id DESC LIMIT ?1;
