-- Where person ?1 was seen. Primary key.
DELETE FROM person_session WHERE person = ?1;
