-- Row that session id ?1 is shown under, and its start. Unique index on id, then primary keys.
SELECT s.row, s.started_at FROM session i
JOIN session h ON h.row = coalesce(i.merged_into, i.row)
JOIN session s ON s.row = coalesce(h.head, h.row)
WHERE i.id = ?1 AND s.activity > 0;
