-- Servers that named a version, and when the first session with each started. Index session_server, one step a server.
SELECT v.name, v.version,
       (SELECT min(started_at) FROM session INDEXED BY session_server
        WHERE server = v.id AND server IS NOT NULL AND activity > 0) AS first
FROM peer v WHERE v.version <> '' AND first IS NOT NULL ORDER BY first, v.id;
