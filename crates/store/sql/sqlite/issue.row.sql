-- An error group. ?1 row. Primary key.
SELECT i.row, i.fingerprint, i.title, t.text, x.text, i.class, i.first_seen, i.last_seen, v.version, i.message
FROM issue i
LEFT JOIN name t ON t.id = i.tool
LEFT JOIN name x ON x.id = i.error_type
LEFT JOIN peer v ON v.id = i.since_server
WHERE i.row = ?1;
