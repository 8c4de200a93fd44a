-- What was decided on a group. ?1 group, ?2 verb and rule in one word, ?3 when, ?4 version, ?5 until, ?6 how many more.
INSERT INTO issue_decision (issue, verb, rule, at, version, until, more)
VALUES (?1, CASE WHEN ?2 LIKE 'resolved%' THEN 'resolved' ELSE 'archived' END, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (issue) DO UPDATE SET verb = excluded.verb, rule = excluded.rule, at = excluded.at, version = excluded.version,
  until = excluded.until, more = excluded.more;
