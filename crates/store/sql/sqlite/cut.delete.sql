-- Session ?1 goes. Primary key; index session_cut_origin.
DELETE FROM session_cut WHERE row = ?1 OR origin = ?1;
