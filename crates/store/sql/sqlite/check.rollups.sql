-- Every row of a grain that sums all tools of a kind. ?1 grain. Primary key range.
SELECT bucket, cells FROM rollup WHERE grain = ?1 AND tool = 0;
