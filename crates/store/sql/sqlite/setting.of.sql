-- What was set of project ?1. Primary key.
SELECT key, value FROM setting WHERE project = ?1;
