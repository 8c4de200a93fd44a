-- Session ?1 as a fragment. Primary keys. What it was parted from by an operator last.
SELECT s.row, iif(s.actors = 1, s.person, NULL), s.process, s.address, c.name, v.name, s.source, coalesce(o.started_at, s.started_at),
       coalesce(o.last_at, s.last_at), s.actors, s.activity, s.head, l.earlier, l.apart, l.evidence, l.confidence, l.gap_us
FROM session s
LEFT JOIN session_own o ON o.row = s.row
LEFT JOIN session_link l ON l.later = s.row
LEFT JOIN peer c ON c.id = s.client
LEFT JOIN peer v ON v.id = s.server
WHERE s.row = ?1;
