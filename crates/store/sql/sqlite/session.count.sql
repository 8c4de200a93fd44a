-- Sessions that start in [?1, ?2). Index session_started.
SELECT count(*) FROM session WHERE activity > 0 AND started_at >= ?1 AND started_at < ?2;
