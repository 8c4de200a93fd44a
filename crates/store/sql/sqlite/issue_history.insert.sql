-- Something done to a group. ?1 group, ?2 when, ?3 who, ?4 what.
INSERT INTO issue_history (issue, at, who, what) VALUES (?1, ?2, ?3, ?4);
