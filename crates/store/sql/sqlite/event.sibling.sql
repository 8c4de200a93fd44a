-- The detail that was reported beside a failed call (PH R22). ?1 seq of the call. Index event_session.
-- Of calls that look the same within a millisecond, the first one has the first detail.
SELECT d.block, d.offset, d.length
FROM event c JOIN event d ON d.session = c.session AND d.started_at BETWEEN c.started_at - 1000 AND c.started_at + 1000
WHERE c.seq = ?1 AND d.kind = 15 AND d.flags & 128 AND d.tool IS c.tool
ORDER BY d.started_at, d.seq
LIMIT 1 OFFSET (
  SELECT count(*) FROM event c JOIN event o ON o.session = c.session AND o.started_at BETWEEN c.started_at - 1000 AND c.started_at
  WHERE c.seq = ?1 AND o.kind = 1 AND o.tool IS c.tool AND o.status IN (2, 3) AND (o.started_at, o.seq) < (c.started_at, c.seq));
