-- Removes which accounts event ?1 named. Primary key.
DELETE FROM account_event WHERE seq = ?1;
