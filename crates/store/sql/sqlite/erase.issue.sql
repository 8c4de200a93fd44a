-- Forgets issue ?1 where no event has it any more. Index on issue.
DELETE FROM issue WHERE row = ?1 AND NOT EXISTS (SELECT 1 FROM event WHERE issue = ?1);
