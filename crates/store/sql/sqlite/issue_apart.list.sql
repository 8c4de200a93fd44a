-- What was taken out of groups by hand, as it was said. The whole table, a few rows.
SELECT source, what, value FROM issue_apart ORDER BY number;
