-- What took the group with fingerprint ?1, which is no more, out of another; kept where another group was taken out of it.
DELETE FROM issue_apart WHERE made = ?1 AND NOT EXISTS (SELECT 1 FROM issue_apart o WHERE o.source = ?1);
