-- Person ?2 was seen on day ?1. Primary key.
INSERT OR IGNORE INTO person_day (day, person) VALUES (?1, ?2);
