-- Session ?1 continues none. Primary key.
DELETE FROM session_link WHERE later = ?1 AND apart = 0;
