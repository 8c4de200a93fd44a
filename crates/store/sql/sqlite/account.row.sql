-- Account ?1, with how many people and visible sessions named it. Primary keys.
SELECT a.type, a.key, a.name, a.first_seen, a.last_seen, a.events, a.tool_calls, a.errors, a.traits,
       (SELECT count(DISTINCT coalesce(p.root, p.row))
        FROM (SELECT person FROM account_person WHERE account = ?1
              UNION SELECT n.person FROM account_session y JOIN nameless n ON n.session = y.session
              WHERE y.account = ?1 AND y.nameless = 1) x
        JOIN person p ON p.row = x.person),
       (SELECT count(DISTINCT h.row) FROM account_session x JOIN session s ON s.row = x.session
        JOIN session h ON h.row = coalesce(s.head, s.row) WHERE x.account = ?1 AND h.activity > 0)
FROM account a WHERE a.row = ?1;
