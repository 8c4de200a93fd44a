-- A group is itself again. ?1 group. Primary key.
DELETE FROM issue_merge WHERE child = ?1;
