-- Who was seen on which day (µs ÷ 86.4e9): a month of distinct people is then read from days, not from hours.
CREATE TABLE person_day (
  day    INTEGER NOT NULL,
  person INTEGER NOT NULL,
  PRIMARY KEY (day, person)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO person_day SELECT hour / 24, person FROM person_hour ORDER BY 1, 2;

-- It followed every event of a person and was never read.
DROP INDEX person_last;
