-- Something done to a group. ?1 group, ?2 when, ?3 who, ?4 what, ?5 a comment's words, ?6 what stood before.
INSERT INTO issue_history (issue, at, who, what, words, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
