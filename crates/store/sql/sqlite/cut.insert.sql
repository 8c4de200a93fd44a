-- From ?3 on, events of session ?2 are session ?1.
INSERT INTO session_cut (row, origin, at) VALUES (?1, ?2, ?3);
