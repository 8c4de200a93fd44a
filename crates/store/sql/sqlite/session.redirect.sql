-- A bridge: session ?2, and those that went into it, went into ?1. Primary key and index session_merged.
UPDATE session SET merged_into = ?1, activity = 0, group_person = NULL, group_client = NULL
WHERE row = ?2 OR merged_into = ?2;
