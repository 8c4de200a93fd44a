-- What figures of error groups need; conditions follow. Index event_issue, alone when nothing is filtered.
SELECT e.issue, e.started_at, e.session, e.person FROM event e
