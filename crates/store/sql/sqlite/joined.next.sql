-- What continues session ?1, parted or not. Index session_link_earlier.
SELECT later FROM session_link WHERE earlier = ?1;
