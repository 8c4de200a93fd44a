-- Grouped sessions of one key that touch a window. ?1 person, ?2 client name, ?3 from, ?4 to. Index session_group:
-- sessions of a key never overlap, so of those that start before the window only the last can reach into it.
SELECT row, started_at, last_at FROM (
  SELECT row, started_at, last_at FROM session
  WHERE group_person = ?1 AND group_client = ?2 AND started_at < ?3 ORDER BY started_at DESC LIMIT 1)
UNION ALL
SELECT row, started_at, last_at FROM session
WHERE group_person = ?1 AND group_client = ?2 AND started_at BETWEEN ?3 AND ?4
ORDER BY row;
