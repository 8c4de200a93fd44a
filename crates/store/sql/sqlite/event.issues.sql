-- What figures of error groups need; conditions follow. Index event_issue alone, when nothing else is looked at: it is a
-- twentieth of the rows, and the planner would rather walk the period.
SELECT e.issue, e.started_at, e.session, e.person FROM event e INDEXED BY event_issue
