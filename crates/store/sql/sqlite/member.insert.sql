-- A new member. ?1 name, ?2 role, ?3 now.
INSERT INTO member (name, role, created_at) VALUES (?1, ?2, ?3);
