-- Whose id the events of session ?1 name, where it was split off. Primary key.
SELECT origin FROM session_cut WHERE row = ?1;
