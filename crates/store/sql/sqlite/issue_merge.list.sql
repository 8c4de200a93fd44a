-- Every merged group and what it is shown under. The whole table, a few rows.
SELECT child, parent FROM issue_merge;
