-- Person ?1 is shown under ?2, is known (?3) and identified (?4). Primary key.
UPDATE person SET root = ?2, known = ?3, identified = ?4 WHERE row = ?1;
