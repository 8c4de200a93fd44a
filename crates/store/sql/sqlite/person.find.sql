-- What the writer needs of a person. ?1 actor id. Unique index on id.
SELECT row, first_seen, last_seen, tool_calls, errors, facts, known, linked FROM person WHERE id = ?1;
