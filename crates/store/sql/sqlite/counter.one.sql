-- One count of the ledger, 0 where there is none. ?1 name. Primary key.
SELECT coalesce((SELECT n FROM counter WHERE name = ?1), 0);
