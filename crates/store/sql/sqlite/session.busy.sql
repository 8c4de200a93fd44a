-- Sessions with several calls, in which loops can be; conditions follow. Index session_started.
SELECT s.row FROM session s WHERE s.activity > 0 AND s.tool_calls >= 4
