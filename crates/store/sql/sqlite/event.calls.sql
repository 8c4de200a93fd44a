-- What signals and ways need of tool calls (kind 1); conditions, order and limit follow. Index event_started backwards.
SELECT e.seq, e.started_at, coalesce(e.call_status, e.status), e.flags, e.session, e.tool, coalesce(e.call_us, e.duration_us),
  e.repeat, e.tokens_in, e.tokens_out, e.client, e.model, e.protocol, e.sdk, e.capture, e.input, e.person, e.intent_source, e.class
FROM event e LEFT JOIN session s ON s.row = e.session WHERE e.kind = 1
