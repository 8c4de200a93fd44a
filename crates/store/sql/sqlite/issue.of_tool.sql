-- The groups of tool ?1. Table scan: groups are few.
SELECT row FROM issue WHERE tool = ?1;
