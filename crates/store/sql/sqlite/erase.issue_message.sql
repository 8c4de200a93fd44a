-- Issue ?1 shows its normalised title in the place of a message that may have been theirs. Primary key.
UPDATE issue SET message = title WHERE row = ?1;
