-- What was said by hand (4) of session ?1. Primary key and index session_link_earlier.
SELECT later, earlier, apart FROM session_link WHERE later = ?1 AND evidence = 4
UNION SELECT later, earlier, apart FROM session_link WHERE earlier = ?1 AND evidence = 4;
