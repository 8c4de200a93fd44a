-- Whether a bucket has anything of a tool. ?1 grain, ?2 bucket, ?3 kind, ?4 tool. Primary key.
SELECT 1 FROM rollup WHERE grain = ?1 AND bucket = ?2 AND kind = ?3 AND tool = ?4;
