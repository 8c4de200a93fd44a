-- Whether a group began with an event at this time. ?1 group, ?2 start. Primary key.
SELECT 1 FROM issue WHERE row = ?1 AND first_seen = ?2;
