-- A bridge: what was cut from session ?2 was cut from ?1. Index session_cut_origin.
UPDATE session_cut SET origin = ?1 WHERE origin = ?2;
