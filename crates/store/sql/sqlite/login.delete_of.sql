-- Ends every session of member ?1.
DELETE FROM login WHERE member = ?1;
