-- Forgets the counts of project ?1.
DELETE FROM tally WHERE project = ?1;
