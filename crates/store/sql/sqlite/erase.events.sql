-- Events of person ?1 that are left. Table scan.
SELECT seq FROM event WHERE person = ?1;
