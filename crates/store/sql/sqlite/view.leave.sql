-- Views that member ?1 shared stay with the project, as an admin's to change: nobody who gets that name later owns them. A small table.
UPDATE OR REPLACE view SET owner = owner || ' (removed)' WHERE owner = (SELECT name FROM member WHERE row = ?1);
