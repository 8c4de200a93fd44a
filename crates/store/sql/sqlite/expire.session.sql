-- Removes session ?1 and the ids that went into it. Primary key; index on merged_into.
DELETE FROM session WHERE row = ?1 OR merged_into = ?1;
