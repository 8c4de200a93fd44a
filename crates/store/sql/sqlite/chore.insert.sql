-- Work for the process that holds the ledgers. ?1 id, ?2 project, ?3 kind, ?4 what is asked, ?5 now.
INSERT INTO chore (id, project, kind, ask, asked_at) VALUES (?1, ?2, ?3, ?4, ?5);
