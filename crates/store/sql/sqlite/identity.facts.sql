-- Facts of every id of person ?1. Primary key and index person_root.
SELECT facts FROM person WHERE row = ?1 UNION ALL SELECT facts FROM person WHERE root = ?1;
