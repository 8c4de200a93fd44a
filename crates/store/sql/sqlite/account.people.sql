-- People of account ?1, latest seen first, at most ?2. Primary key of account_person.
SELECT DISTINCT r.row FROM account_person x JOIN person p ON p.row = x.person
JOIN person r ON r.row = coalesce(p.root, p.row) AND r.known = 1
WHERE x.account = ?1 ORDER BY r.last_seen DESC, r.row LIMIT ?2;
