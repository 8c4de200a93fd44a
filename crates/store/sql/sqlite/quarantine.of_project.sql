-- Bodies kept for project text ?1, oldest first. Index quarantine_project.
SELECT id, at, route, user_agent, body FROM quarantine WHERE project_text = ?1 AND replayable = 1 ORDER BY id;
