-- Both ends and the verdict of merge fact ?1. Primary key.
SELECT source, target, verdict FROM merge_fact WHERE row = ?1;
