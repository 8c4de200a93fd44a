-- Events of session ?1. Index on session.
SELECT seq FROM event WHERE session = ?1;
