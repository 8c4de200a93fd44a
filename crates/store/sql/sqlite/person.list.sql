-- What people are sorted by, every id on its own. Table scan: a person is a few hundred bytes, and the caller picks those of
-- its scope and adds up those of one person.
SELECT row, root, known, first_seen, last_seen, tool_calls, errors, name, id FROM person;
