-- How far word ?1 has come: ?2 start, ?3 number of the last failure looked at. Primary key.
UPDATE issue_apart SET at_time = ?2, at_seq = ?3 WHERE number = ?1;
