-- Of the sessions that start in [?1, ?2), those with a failure and those with a wish. Index session_failed.
SELECT count(*) FILTER (WHERE errors > 0), count(*) FILTER (WHERE missing > 0) FROM session
WHERE activity > 0 AND (errors > 0 OR missing > 0) AND started_at >= ?1 AND started_at < ?2;
