-- Condition after event.row: events of person ?1 in its newest sessions, newest first. Indexes of the sessions' query, then
-- event_session.
 WHERE coalesce(q.root, q.row) = ?1 AND e.kind <> 15 AND e.session IN (
  WITH ids (row) AS (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1)
  SELECT s.row
  FROM (SELECT session FROM person_session WHERE person IN (SELECT row FROM ids)
        UNION SELECT session FROM nameless WHERE person IN (SELECT row FROM ids)) x
  JOIN session s ON s.row = x.session
  ORDER BY s.last_at DESC, s.row DESC LIMIT 20)
ORDER BY e.started_at DESC, e.seq DESC LIMIT 50
