-- Merge facts that name person ?1 and count: neither taken back (5) nor too many (6). Unique index, then merge_fact_target.
SELECT row, at, event, via, source, target, verdict FROM merge_fact WHERE source = ?1 AND verdict NOT IN (5, 6)
UNION
SELECT row, at, event, via, source, target, verdict FROM merge_fact WHERE target = ?1 AND verdict NOT IN (5, 6);
