-- What the writer needs of an account. ?1 type, ?2 key. Unique index.
SELECT row, first_seen, last_seen, events, tool_calls, errors, facts FROM account WHERE type = ?1 AND key = ?2;
