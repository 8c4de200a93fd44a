-- Account ?1, with how many people and visible sessions named it. Primary keys.
SELECT a.type, a.key, a.name, a.first_seen, a.last_seen, a.events, a.tool_calls, a.errors, a.traits,
       (SELECT count(DISTINCT coalesce(p.root, p.row)) FROM account_person x JOIN person p ON p.row = x.person
        WHERE x.account = ?1),
       (SELECT count(DISTINCT h.row) FROM account_session x JOIN session s ON s.row = x.session
        JOIN session h ON h.row = coalesce(s.head, s.row) WHERE x.account = ?1 AND h.activity > 0)
FROM account a WHERE a.row = ?1;
