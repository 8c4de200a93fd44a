-- Forgets ?2 of project ?1.
DELETE FROM setting WHERE project = ?1 AND key = ?2;
