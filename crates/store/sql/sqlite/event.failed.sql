-- What figures of error groups need of the failures that start in [?1, ?2). Index event_failed alone.
-- One that names nobody counts for whom its session is put down to: primary key of nameless.
SELECT e.issue, e.started_at, e.session,
       coalesce(e.person, (SELECT n.person FROM nameless n WHERE n.session = e.session))
FROM event e INDEXED BY event_failed WHERE e.issue IS NOT NULL AND e.started_at >= ?1 AND e.started_at < ?2;
