-- Groups shown under ?1. Index issue_merge_parent.
SELECT m.child, i.title FROM issue_merge m JOIN issue i ON i.row = m.child WHERE m.parent = ?1 ORDER BY m.child;
