-- ?1 is shown under ?2. Primary key.
INSERT INTO issue_merge (child, parent) VALUES (?1, ?2) ON CONFLICT (child) DO UPDATE SET parent = excluded.parent;
