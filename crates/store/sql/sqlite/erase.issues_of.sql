-- Issues of events of person ?1. Table scan.
SELECT DISTINCT issue FROM event WHERE person = ?1 AND issue IS NOT NULL;
