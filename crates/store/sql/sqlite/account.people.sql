-- People of account ?1, latest seen first, at most ?2. Primary keys of account_person, account_session and nameless.
SELECT DISTINCT r.row
FROM (SELECT person FROM account_person WHERE account = ?1
      UNION SELECT n.person FROM account_session y JOIN nameless n ON n.session = y.session
      WHERE y.account = ?1 AND y.nameless = 1) x
JOIN person p ON p.row = x.person
JOIN person r ON r.row = coalesce(p.root, p.row) AND r.known = 1
ORDER BY r.last_seen DESC, r.row LIMIT ?2;
