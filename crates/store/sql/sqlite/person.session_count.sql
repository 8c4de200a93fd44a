-- How many visible sessions person ?1 was seen in. Primary key of person_session, then of session.
SELECT count(*) FROM person_session x JOIN session s ON s.row = x.session WHERE x.person = ?1 AND s.activity > 0;
