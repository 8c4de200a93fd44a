-- What clusters of intents need of tool calls (kind 1); conditions, order and limit follow. Index event_started backwards.
SELECT e.id, s.id, e.session, coalesce(e.call_status, e.status), e.flags, e.tool, e.intent, e.intent_source, e.started_at
FROM event e LEFT JOIN session s ON s.row = e.session WHERE e.kind = 1
