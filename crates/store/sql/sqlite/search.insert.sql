-- Full-text row of an event. ?1 seq, ?2 intent, ?3 error message, ?4 tool.
INSERT INTO search (rowid, intent, error, tool) VALUES (?1, ?2, ?3, ?4);
