-- Account ?2 was named in hour ?1. Primary key.
INSERT OR IGNORE INTO account_hour (hour, account) VALUES (?1, ?2);
