-- Where the call of task ?1 was made. Index leg_task.
SELECT DISTINCT scope FROM leg WHERE task = ?1 AND scope IS NOT NULL;
