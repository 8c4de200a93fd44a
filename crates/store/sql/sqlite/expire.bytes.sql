-- Bytes of the blocks that hold payloads of events before ?1: what can be freed at most, for a block stays while a newer event
-- has its payload in it. Index on started_at; the size of a block is in its row's head.
SELECT coalesce(sum(length(b.data)), 0) FROM block b
WHERE b.id IN (SELECT DISTINCT block FROM event WHERE started_at < ?1 AND block IS NOT NULL);
