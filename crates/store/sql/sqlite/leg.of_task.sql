-- What told the end of task ?1, at most ?2, in order. Index leg_task.
SELECT seq, leg FROM leg WHERE task = ?1 AND scope IS NULL ORDER BY at, seq LIMIT ?2;
