-- Rows of the fragments shown under session ?1. Index session_head.
SELECT row FROM session WHERE head = ?1 ORDER BY started_at, row;
