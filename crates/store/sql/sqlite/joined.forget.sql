-- Session ?1 is no head. Primary key.
DELETE FROM session_own WHERE row = ?1;
