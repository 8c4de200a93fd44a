-- Forgets the tokens of project ?1.
DELETE FROM token WHERE project = ?1;
