-- Session ?1 goes: nothing continues it, and it continues nothing. Primary key and index session_link_earlier.
DELETE FROM session_link WHERE later = ?1 OR earlier = ?1;
