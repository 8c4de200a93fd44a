-- What was shown under ?1 goes to ?2. Index issue_merge_parent.
UPDATE issue_merge SET parent = ?2 WHERE parent = ?1;
