-- A block of payloads. ?1 id. Primary key.
SELECT data FROM block WHERE id = ?1;
