-- A listing by its hash; known ones stay. ?1 hash. Unique index.
INSERT INTO catalog (hash) VALUES (?1) ON CONFLICT (hash) DO NOTHING;
