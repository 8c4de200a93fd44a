-- Sessions with a failure or a wish that started in [?1, ?2). Index session_failed.
SELECT started_at, errors > 0, missing > 0 FROM session INDEXED BY session_failed
WHERE activity > 0 AND (errors > 0 OR missing > 0) AND started_at >= ?1 AND started_at < ?2;
