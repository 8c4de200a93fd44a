-- Tags of event ?1. Primary key.
SELECT tags FROM event WHERE seq = ?1;
