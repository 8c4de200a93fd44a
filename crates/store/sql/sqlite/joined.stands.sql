-- What session ?1 is shown under, and whether others are shown under it. Primary keys.
SELECT s.head, EXISTS (SELECT 1 FROM session_own o WHERE o.row = s.row) FROM session s WHERE s.row = ?1;
