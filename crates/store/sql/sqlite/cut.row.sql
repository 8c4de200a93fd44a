-- A bridge: what was cut off as session ?2 is session ?1. Primary key.
UPDATE OR IGNORE session_cut SET row = ?1 WHERE row = ?2;
