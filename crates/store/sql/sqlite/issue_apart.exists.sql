-- Whether a group with fingerprint ?1 was taken out by hand. Unique index on made.
SELECT 1 FROM issue_apart WHERE made = ?1;
