-- Whether grain ?1 has anything of kind ?2 and tool ?3. Scans the rows of the grain; ask it of days.
SELECT 1 FROM rollup WHERE grain = ?1 AND kind = ?2 AND tool = ?3 LIMIT 1;
