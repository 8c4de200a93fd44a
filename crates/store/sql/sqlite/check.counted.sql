-- Events that figures count: all but kind protocol (15).
SELECT count(*) FROM event WHERE kind <> 15;
