-- Adds to a count of the ledger. ?1 name, ?2 n.
INSERT INTO counter (name, n) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n;
