-- Notes when member ?1 was last seen. ?2 now.
UPDATE member SET seen_at = ?2 WHERE row = ?1;
