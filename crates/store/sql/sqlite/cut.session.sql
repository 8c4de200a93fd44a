-- Session of event ?1. Primary key.
SELECT session FROM event WHERE seq = ?1;
