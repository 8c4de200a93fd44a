-- The requests of scope ?1, at most ?2, in order. Index leg_scope.
SELECT seq, leg FROM leg WHERE scope = ?1 ORDER BY at, seq LIMIT ?2;
