-- Sessions with a failure or a wish; conditions follow. Index session_failed.
SELECT s.row FROM session s WHERE s.activity > 0 AND (s.errors > 0 OR s.missing > 0)
