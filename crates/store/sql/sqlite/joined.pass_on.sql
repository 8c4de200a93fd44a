-- What continued session ?2 continues ?1, its last part. Index session_link_earlier.
UPDATE session_link SET earlier = ?1 WHERE earlier = ?2;
