-- Whom events of [?1, ?2) that name nobody are put down to, some more than once. Index nameless_last alone; event_session for
-- the few sessions that began before and went on after.
SELECT person FROM nameless n WHERE last_at >= ?1 AND first_at < ?2
  AND (first_at >= ?1 OR last_at < ?2 OR EXISTS (
    SELECT 1 FROM event e WHERE e.session = n.session AND e.started_at >= ?1 AND e.started_at < ?2 AND e.person IS NULL));
