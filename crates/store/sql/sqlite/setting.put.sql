-- Sets ?2 of project ?1 to ?3.
INSERT OR REPLACE INTO setting (project, key, value) VALUES (?1, ?2, ?3);
