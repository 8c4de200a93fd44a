-- Events of session ?1 that name nobody. Index on session.
SELECT seq FROM event WHERE session = ?1 AND person IS NULL;
