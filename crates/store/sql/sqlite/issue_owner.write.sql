-- Gives a group to somebody. ?1 group, ?2 name, ?3 when.
INSERT INTO issue_owner (issue, name, at) VALUES (?1, ?2, ?3) ON CONFLICT (issue) DO UPDATE SET name = excluded.name, at = excluded.at;
