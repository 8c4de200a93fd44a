-- What became of merge fact ?1: ?2. Primary key.
UPDATE merge_fact SET verdict = ?2 WHERE row = ?1;
