-- What becomes of a wish. ?1 event id, ?2 status, ?3 note, ?4 when, ?5 who. Primary key.
INSERT INTO wish (event, status, note, at, who) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (event) DO UPDATE SET status = excluded.status, note = excluded.note, at = excluded.at, who = excluded.who;
