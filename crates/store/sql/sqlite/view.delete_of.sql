-- Forgets the views of project ?1.
DELETE FROM view WHERE project = ?1;
