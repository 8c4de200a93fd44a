-- Failures of error groups, for the messages they came with; groups, period and conditions follow. Index event_issue.
SELECT e.error_message, e.started_at FROM event e INDEXED BY event_issue
