-- Whom a session is put down to. ?1 session. Primary key.
SELECT person FROM nameless WHERE session = ?1;
