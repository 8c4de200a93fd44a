-- Event ?1 is in no call any more. Primary key.
DELETE FROM leg WHERE seq = ?1;
