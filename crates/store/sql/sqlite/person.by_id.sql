-- Row and fact times of a person. ?1 actor id. Unique index.
SELECT row, facts FROM person WHERE id = ?1;
