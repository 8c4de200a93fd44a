//! Trackway's server: ingest, JSON API, dashboard, live feed.
