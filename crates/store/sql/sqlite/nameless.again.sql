-- What is put down to a person of session ?1, counted anew from its rows. Primary key and index event_session.
-- kind 1: tool_call; flags 1, 2, 32: nested, open leg, declared error; status 2, 3, 8: tool_error, protocol_error, input_required
INSERT OR REPLACE INTO nameless
SELECT s.row, s.attributed, min(e.started_at), max(e.started_at),
       sum(e.kind = 1 AND e.flags & 3 = 0 AND coalesce(e.call_status, e.status, 0) <> 8),
       sum(e.kind = 1 AND e.flags & 35 = 0 AND coalesce(e.call_status, e.status, 0) IN (2, 3))
FROM session s JOIN event e ON e.session = s.row
WHERE s.row = ?1 AND s.attributed IS NOT NULL AND s.merged_into IS NULL AND e.person IS NULL
GROUP BY s.row;
