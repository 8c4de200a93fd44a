-- A refused body. ?1 now, ?2 reason, ?3 project text, ?4 route, ?5 user agent, ?6 bytes, ?7 events, ?8 replayable, ?9 body.
INSERT INTO quarantine (at, reason, project_text, route, user_agent, bytes, events, replayable, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);
