-- What signals need of tool calls (kind 1); conditions, order and limit follow. Index event_started backwards.
SELECT e.session, e.tool, e.started_at, coalesce(e.call_us, e.duration_us), coalesce(e.call_status, e.status), e.flags, e.repeat, e.tokens_out,
  e.model, e.protocol
FROM event e LEFT JOIN session s ON s.row = e.session WHERE e.kind = 1
