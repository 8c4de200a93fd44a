-- Rows of every tool of kind ?4 in buckets [?2, ?3) of grain ?1. Primary key range.
SELECT bucket, kind, tool, cells FROM rollup WHERE grain = ?1 AND bucket >= ?2 AND bucket < ?3 AND kind = ?4 AND tool > 0;
