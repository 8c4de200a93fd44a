-- Where the call of event ?1 is found. Primary key; index leg_task.
SELECT l.scope FROM leg l WHERE l.seq = ?1 AND l.scope IS NOT NULL
UNION SELECT r.scope FROM leg l JOIN leg r ON r.task = l.task WHERE l.seq = ?1 AND l.scope IS NULL AND r.scope IS NOT NULL;
