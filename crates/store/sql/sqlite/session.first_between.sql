-- The first session of [?1, ?2). Index session_started.
SELECT min(started_at) FROM session WHERE activity > 0 AND started_at >= ?1 AND started_at < ?2;
