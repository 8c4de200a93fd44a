-- Sessions by bucket: ?1 start of the first, ?2 length; conditions and GROUP BY follow. Index session_started.
SELECT (s.started_at - ?1) / ?2, count(*) FROM session s WHERE s.activity > 0
