-- Gives member ?1 the password hash ?2; NULL: none.
UPDATE member SET password = ?2 WHERE row = ?1;
