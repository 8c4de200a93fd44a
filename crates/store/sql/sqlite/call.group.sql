-- The group of what went wrong in the call that event ?1 counts for. Primary key.
UPDATE event SET issue = ?2, class = ?3, error_type = ?4, error_message = ?5 WHERE seq = ?1;
