-- Session ?1 is shown under ?2, or for itself (NULL). Primary key.
UPDATE session SET head = ?2, activity = iif(?2 IS NULL, abs(activity), -abs(activity)) WHERE row = ?1;
