-- Where the payload of event ?1 lies. Primary key.
SELECT block, offset, length FROM event WHERE seq = ?1 AND block IS NOT NULL;
