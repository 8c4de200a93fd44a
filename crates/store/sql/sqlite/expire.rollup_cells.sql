-- Rows of grain ?1 before bucket ?2 that sum all tools of a kind. Primary key range.
SELECT cells FROM rollup WHERE grain = ?1 AND bucket < ?2 AND tool = 0;
