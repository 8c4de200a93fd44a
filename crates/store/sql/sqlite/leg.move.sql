-- A bridge: requests of session ?2 go to session ?1. Index leg_scope.
UPDATE leg SET scope = ?1 WHERE scope = ?2;
