-- Listings seen in a scope; period, conditions and GROUP BY e.catalog follow. Index event_catalog alone, when nothing else
-- is looked at.
SELECT e.catalog, max(e.started_at), count(DISTINCT e.session), count(*) FROM event e INDEXED BY event_catalog
