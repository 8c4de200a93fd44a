-- What accounts are sorted by. Table scan: there are few, and the caller picks those of its scope.
SELECT row, type, key, name, first_seen, last_seen, tool_calls, errors FROM account;
