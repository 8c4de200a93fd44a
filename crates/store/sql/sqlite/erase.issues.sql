-- Issues of events of session ?1. Index on session.
SELECT DISTINCT issue FROM event WHERE session = ?1 AND issue IS NOT NULL;
