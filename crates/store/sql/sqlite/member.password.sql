-- Number and password hash of member ?1. Unique index on name.
SELECT row, password FROM member WHERE name = ?1;
