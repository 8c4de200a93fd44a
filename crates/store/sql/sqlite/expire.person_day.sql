-- Removes who was seen on days before ?1. Primary key range.
DELETE FROM person_day WHERE day < ?1;
