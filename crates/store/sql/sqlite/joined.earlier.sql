-- What session ?1 continues, parted or not. Primary key.
SELECT earlier FROM session_link WHERE later = ?1;
