-- Sessions by client; conditions and GROUP BY follow. Index session_started.
SELECT coalesce(s.client, 0), count(*), max(s.last_at) FROM session s WHERE s.activity > 0
