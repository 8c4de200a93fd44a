-- What became of the call that event ?1 counts for. Primary key.
UPDATE event SET call_status = ?2, call_us = ?3 WHERE seq = ?1;
