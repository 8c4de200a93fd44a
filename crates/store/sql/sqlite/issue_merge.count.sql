-- Groups that would be shown under ?1 with ?2 and its own. Index issue_merge_parent.
SELECT count(*) FROM issue_merge WHERE parent IN (?1, ?2);
