-- The dashboard session ?1 with its member.
SELECT l.used_at, l.created_at, l.rotated_at, l.ends_at, m.row, m.name, m.role
FROM login AS l JOIN member AS m ON m.row = l.member WHERE l.hash = ?1;
