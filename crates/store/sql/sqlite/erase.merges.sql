-- What said that ?1 and another are one. Unique index on source; index on target.
DELETE FROM merge_fact WHERE source = ?1 OR target = ?1;
