-- Counts of the ledger.
SELECT name, n FROM counter;
