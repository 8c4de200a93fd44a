-- Where the payload of the newest handshake (kind 3) of session ?1 lies. Index event_session, then one row.
SELECT block, offset, length FROM event INDEXED BY event_session WHERE session = ?1 AND kind = 3 ORDER BY started_at DESC LIMIT 1;
