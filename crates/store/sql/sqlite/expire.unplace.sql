-- Event ?1 has no payload any more. Primary key.
UPDATE event SET block = NULL, offset = NULL, length = NULL WHERE seq = ?1;
