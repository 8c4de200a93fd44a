-- Every member, the oldest first. Table scan: there are few.
SELECT row, name, role, password IS NOT NULL, created_at, seen_at FROM member ORDER BY row;
