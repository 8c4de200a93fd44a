-- Forgets kept bodies that hold the text ?1. Table scan.
DELETE FROM quarantine WHERE instr(body, CAST(?1 AS BLOB)) > 0;
