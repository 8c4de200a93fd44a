-- Row that session id ?1 is shown under now. Unique index on id, then primary keys.
SELECT coalesce(h.head, h.row) FROM session s JOIN session h ON h.row = coalesce(s.merged_into, s.row) WHERE s.id = ?1;
