-- Sessions of person ?1, process ?2 or address ?3 that start in [?4, ?5] and end at ?6 or later, of the newest 200 each.
-- Indexes session_person, session_process and session_address.
SELECT row FROM (SELECT row, last_at FROM session WHERE person = ?1 AND started_at BETWEEN ?4 AND ?5
                 ORDER BY started_at DESC LIMIT 200) WHERE last_at >= ?6
UNION SELECT row FROM (SELECT row, last_at FROM session WHERE process = ?2 AND started_at BETWEEN ?4 AND ?5
                       ORDER BY started_at DESC LIMIT 200) WHERE last_at >= ?6
UNION SELECT row FROM (SELECT row, last_at FROM session WHERE address = ?3 AND started_at BETWEEN ?4 AND ?5
                       ORDER BY started_at DESC LIMIT 200) WHERE last_at >= ?6;
