-- What people are sorted by. Table scan: a person is a few hundred bytes, and the caller picks those of its scope.
SELECT row, first_seen, last_seen, tool_calls, errors, name, id FROM person;
