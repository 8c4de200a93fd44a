-- Server versions of the newest sessions. Index session_started backwards.
SELECT DISTINCT v.version FROM (SELECT server FROM session WHERE activity > 0 ORDER BY started_at DESC LIMIT 2000) s
JOIN peer v ON v.id = s.server WHERE v.version <> '';
