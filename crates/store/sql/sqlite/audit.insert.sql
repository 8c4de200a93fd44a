-- Notes an act. ?1 now, ?2 actor, ?3 act, ?4 project, ?5 target, ?6 detail.
INSERT INTO audit (at, actor, act, project, target, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
