-- The failures of the sessions ?1, a list of rows, that are the first of their group. Index event_session.
(SELECT 1 FROM event f JOIN issue i ON i.row = f.issue AND i.first_seen = f.started_at WHERE f.session IN ?1)
