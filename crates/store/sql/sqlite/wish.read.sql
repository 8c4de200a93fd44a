-- What becomes of a wish. ?1 event id. Primary key.
SELECT status, note, at, who FROM wish WHERE event = ?1;
