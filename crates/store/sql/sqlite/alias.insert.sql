-- Makes ?1 another name of project ?2. Primary key refuses a taken name.
INSERT INTO alias (alias, project) VALUES (?1, ?2);
