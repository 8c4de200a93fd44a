-- Takes a line out of the index, which must be told what it was. ?1 seq, ?2 intent, ?3 error message, ?4 tool.
INSERT INTO search (search, rowid, intent, error, tool) VALUES ('delete', ?1, ?2, ?3, ?4);
