-- Events of person ?2 in session ?1. Index on session.
SELECT seq FROM event WHERE session = ?1 AND person = ?2;
