-- Rewrites the index without what was taken out of it.
INSERT INTO search (search) VALUES ('optimize');
