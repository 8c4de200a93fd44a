-- By what the group with fingerprint ?1 was taken out of another by hand. Unique index on made.
SELECT what, value FROM issue_apart WHERE made = ?1;
