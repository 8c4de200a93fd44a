-- Other sessions, as they are shown, that carried a conversation of session ?1 or of one shown under it: at most ?2, in order of
-- time. Indexes session_head and session_conversation_session; primary keys.
SELECT DISTINCT h.row FROM session_conversation mine
JOIN session_conversation theirs ON theirs.conversation = mine.conversation
JOIN session s ON s.row = theirs.session
JOIN session h ON h.row = coalesce(s.head, s.row)
WHERE mine.session IN (SELECT ?1 UNION ALL SELECT row FROM session WHERE head = ?1) AND h.row <> ?1 AND h.activity > 0
ORDER BY h.started_at, h.row LIMIT ?2;
