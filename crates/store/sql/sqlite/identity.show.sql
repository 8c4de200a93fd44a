-- Person ?1 is shown with name ?2 and traits ?3. Primary key.
UPDATE person SET name = ?2, traits = ?3 WHERE row = ?1;
