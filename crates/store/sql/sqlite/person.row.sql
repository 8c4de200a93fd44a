-- A person. ?1 row. Primary key.
SELECT row, id, name, first_seen, last_seen, tool_calls, errors, traits FROM person WHERE row = ?1;
