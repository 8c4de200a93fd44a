-- The decision on a group. ?1 group. Primary key.
SELECT rule, at, version, until, more FROM issue_decision WHERE issue = ?1;
