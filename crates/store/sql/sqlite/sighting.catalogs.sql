-- Listings and when each was first seen. Index event_catalog, one step a listing.
SELECT c.hash, (SELECT min(started_at) FROM event WHERE catalog = c.row) AS first FROM catalog c
WHERE first IS NOT NULL ORDER BY first, c.row;
