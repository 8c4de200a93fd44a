-- Row of a session id, or of the session it went into. ?1 id. Unique index on id.
SELECT coalesce(merged_into, row) FROM session WHERE id = ?1;
