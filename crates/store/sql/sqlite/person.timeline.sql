-- Condition after event.row: events of person ?1 in its newest sessions, newest first. Indexes of the sessions' query, then
-- event_session.
 WHERE coalesce(q.root, q.row) = ?1 AND e.kind <> 15 AND e.session IN (
  SELECT s.row FROM person_session x JOIN session s ON s.row = x.session
  WHERE x.person IN (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1)
  ORDER BY s.last_at DESC, s.row DESC LIMIT 20)
ORDER BY e.started_at DESC, e.seq DESC LIMIT 50
