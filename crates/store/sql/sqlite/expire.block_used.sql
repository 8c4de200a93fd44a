-- Whether an event between ?2 and ?3 has its payload in block ?1. Primary key range.
SELECT 1 FROM event WHERE seq BETWEEN ?2 AND ?3 AND block = ?1;
