-- How issue ?1, which is no more, was merged by hand. Primary key; index on parent.
DELETE FROM issue_merge WHERE child = ?1 OR parent = ?1;
