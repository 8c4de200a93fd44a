-- A new program. ?1 name, ?2 version.
INSERT INTO peer (name, version) VALUES (?1, ?2);
