-- Frees the other names of project ?1.
DELETE FROM alias WHERE project = ?1;
