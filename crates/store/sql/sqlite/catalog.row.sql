-- A listing, and when it was first seen. ?1 row. Primary key, and index event_catalog.
SELECT hash, tools, (SELECT min(started_at) FROM event WHERE catalog = ?1) FROM catalog WHERE row = ?1;
