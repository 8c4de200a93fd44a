-- Whether session ?1 shows the sums of others. Primary key.
SELECT 1 FROM session_own WHERE row = ?1;
