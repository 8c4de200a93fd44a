-- Cells of one bucket. ?1 grain, ?2 bucket, ?3 kind, ?4 tool, ?5 cells. Primary key.
INSERT INTO rollup (grain, bucket, kind, tool, cells) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (grain, bucket, kind, tool) DO UPDATE SET cells = excluded.cells;
