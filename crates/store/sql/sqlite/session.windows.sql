-- Of the events of session ?1 in order, every ?2-th: where the next page begins. Index event_session.
SELECT started_at, seq, n FROM (
  SELECT started_at, seq, row_number() OVER (ORDER BY started_at, seq) AS n FROM event WHERE session = ?1
) WHERE n % ?2 = 0;
