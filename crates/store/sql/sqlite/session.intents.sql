-- The first intents of session ?1. Index event_session, stops early.
SELECT intent FROM event WHERE session = ?1 AND intent IS NOT NULL AND kind <> 15 ORDER BY started_at, seq LIMIT 12;
