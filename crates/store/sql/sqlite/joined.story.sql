-- What fragments of session ?1 continue, and what was parted from it. Indexes session_head and session_link_earlier.
WITH part (row) AS (SELECT ?1 UNION SELECT row FROM session WHERE head = ?1)
SELECT a.id, b.id, l.evidence, l.confidence, l.gap_us, l.apart FROM session_link l
JOIN session a ON a.row = l.earlier JOIN session b ON b.row = l.later
WHERE l.later IN (SELECT later FROM session_link WHERE later IN (SELECT row FROM part)
  UNION SELECT later FROM session_link WHERE earlier IN (SELECT row FROM part))
ORDER BY b.started_at, b.row LIMIT 200;
