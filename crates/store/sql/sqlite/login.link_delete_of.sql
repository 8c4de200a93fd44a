-- Ends every link of member ?1.
DELETE FROM login_link WHERE member = ?1;
