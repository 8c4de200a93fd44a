-- The first row from a sequence number on, and when it was received. ?1 seq. Primary key.
SELECT seq, received_at FROM event WHERE seq >= ?1 ORDER BY seq LIMIT 1;
