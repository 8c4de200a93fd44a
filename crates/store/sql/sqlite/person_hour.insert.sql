-- Person ?2 was seen in hour ?1. Primary key.
INSERT OR IGNORE INTO person_hour (hour, person) VALUES (?1, ?2);
