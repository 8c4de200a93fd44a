-- What session ?1 has of its own, before it shows the sums of all. Primary key.
INSERT OR REPLACE INTO session_own
SELECT row, last_at, abs(activity), events, tool_calls, errors, missing, tokens_in, tokens_out, demo, started_at FROM session WHERE row = ?1;
