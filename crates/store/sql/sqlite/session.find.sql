-- Row of a session id and of the one it went into. ?1 id. Unique index on id.
SELECT row, merged_into FROM session WHERE id = ?1;
