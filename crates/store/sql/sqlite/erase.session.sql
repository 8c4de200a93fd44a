-- Session ?1 without person ?2: ?3 actors are left, ?4 its facts. Primary key.
UPDATE session SET person = nullif(person, ?2), attributed = nullif(attributed, ?2), actors = ?3, facts = ?4
WHERE row = ?1;
