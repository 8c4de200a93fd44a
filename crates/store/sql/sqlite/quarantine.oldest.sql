-- The oldest row, to make room.
SELECT id, reason, events, length(body) FROM quarantine ORDER BY id LIMIT 1;
