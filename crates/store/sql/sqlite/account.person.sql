-- An event of person ?2 named account ?1. Primary key.
INSERT OR IGNORE INTO account_person (account, person) VALUES (?1, ?2);
