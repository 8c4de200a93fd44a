-- Takes back that an operator joined session ?1 with another; 4: by hand. A part of a split session keeps its word. Primary keys.
DELETE FROM session_link WHERE later = ?1 AND evidence = 4 AND apart = 0
  AND NOT EXISTS (SELECT 1 FROM session_cut WHERE row = ?1);
