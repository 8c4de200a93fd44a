-- A bridge: events of session ?2 go to session ?1. Index event_session.
UPDATE event SET session = ?1 WHERE session = ?2;
