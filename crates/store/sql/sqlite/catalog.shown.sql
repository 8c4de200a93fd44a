-- The listing that session ?1 was last shown before ?2. Index event_session.
SELECT catalog FROM event WHERE session = ?1 AND started_at <= ?2 AND catalog IS NOT NULL ORDER BY started_at DESC LIMIT 1;
