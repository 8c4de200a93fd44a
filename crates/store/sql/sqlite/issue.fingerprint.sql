-- By what an error group is known. ?1 row. Primary key.
SELECT fingerprint FROM issue WHERE row = ?1;
