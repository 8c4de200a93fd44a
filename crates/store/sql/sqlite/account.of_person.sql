-- Accounts that events of any id of person ?1 named, or events put down to one, at most 20. Indexes person_root,
-- account_person_person, nameless_person and account_session_session.
WITH ids (row) AS (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1)
SELECT a.type, a.key, a.name
FROM (SELECT account FROM account_person WHERE person IN (SELECT row FROM ids)
      UNION SELECT y.account FROM nameless n JOIN account_session y ON y.session = n.session AND y.nameless = 1
      WHERE n.person IN (SELECT row FROM ids)) x
JOIN account a ON a.row = x.account ORDER BY a.type, a.key LIMIT 20;
