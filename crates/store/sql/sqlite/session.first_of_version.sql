-- The first session of [?1, ?2) whose server named version ?3. Index session_server, one step a server.
SELECT min((SELECT min(started_at) FROM session INDEXED BY session_server
            WHERE server = v.id AND server IS NOT NULL AND activity > 0 AND started_at >= ?1 AND started_at < ?2))
FROM peer v WHERE v.version = ?3;
