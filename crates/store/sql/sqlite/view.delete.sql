-- Forgets view ?2 of project ?1.
DELETE FROM view WHERE row = ?2 AND project = ?1;
