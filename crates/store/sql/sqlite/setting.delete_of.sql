-- Forgets the settings of project ?1.
DELETE FROM setting WHERE project = ?1;
