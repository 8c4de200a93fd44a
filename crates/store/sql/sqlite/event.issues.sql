-- What figures of error groups need; conditions follow. Index event_issue alone, when nothing else is looked at: it is a
-- twentieth of the rows, and the planner would rather walk the period.
-- One that names nobody counts for whom its session is put down to: primary key of nameless.
SELECT e.issue, e.started_at, e.session,
       coalesce(e.person, (SELECT n.person FROM nameless n WHERE n.session = e.session)) FROM event e INDEXED BY event_issue
