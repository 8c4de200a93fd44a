-- This ledger follows ?2 for ?1, for rows up to ?3. Primary key.
INSERT OR REPLACE INTO rule (name, value, upto) VALUES (?1, ?2, ?3);
