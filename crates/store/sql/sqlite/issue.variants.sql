-- Failures of error groups, for the messages they came with and the clients they name; groups, period and conditions follow.
-- Index event_issue.
SELECT e.error_message, e.started_at, e.issue, named.name FROM event e INDEXED BY event_issue
