-- What session ?1 is shown under. Primary key.
SELECT head FROM session WHERE row = ?1;
