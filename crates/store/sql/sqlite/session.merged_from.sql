-- Ids that went into session ?1, in the order they were minted. Index session_merged.
SELECT id FROM session WHERE merged_into = ?1 ORDER BY row;
