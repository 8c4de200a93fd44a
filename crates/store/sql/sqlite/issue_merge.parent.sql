-- The group that a group is shown under. ?1 group. Primary key.
SELECT parent FROM issue_merge WHERE child = ?1;
