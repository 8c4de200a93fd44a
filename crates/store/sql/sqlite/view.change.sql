-- Gives view ?2 of project ?1 the name ?3, the query ?4 and the sharing ?5.
UPDATE view SET name = ?3, query = ?4, shared = ?5 WHERE row = ?2 AND project = ?1;
