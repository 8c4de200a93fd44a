-- Accounts that events of any id of person ?1 named, at most 20. Indexes person_root and account_person_person.
SELECT DISTINCT a.type, a.key, a.name FROM account_person x JOIN account a ON a.row = x.account
WHERE x.person IN (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1) ORDER BY a.type, a.key LIMIT 20;
