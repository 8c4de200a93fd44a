-- Views that nobody but member ?1 saw. A small table.
DELETE FROM view WHERE shared = 0 AND owner = (SELECT name FROM member WHERE row = ?1);
