-- Removes rows of grain ?1 before bucket ?2. Primary key range.
DELETE FROM rollup WHERE grain = ?1 AND bucket < ?2;
