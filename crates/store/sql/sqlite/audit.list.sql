-- Acts before sequence ?1 of project ?2 (NULL: all), the newest first, at most ?3. Primary key, backwards.
SELECT seq, at, actor, act, project, target, detail FROM audit
WHERE seq < ?1 AND (?2 IS NULL OR project = ?2) ORDER BY seq DESC LIMIT ?3;
