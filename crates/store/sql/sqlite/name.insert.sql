-- A new text. ?1 text.
INSERT INTO name (text) VALUES (?1);
