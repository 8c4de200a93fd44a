-- Gives member ?1 the role ?2.
UPDATE member SET role = ?2 WHERE row = ?1;
