-- Removes who was seen in hours before ?1. Primary key range.
DELETE FROM person_hour WHERE hour < ?1;
