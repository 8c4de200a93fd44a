-- What the writer needs of an error group. ?1 fingerprint. Unique index.
SELECT row, title, tool, error_type, class, first_seen, first_key, last_seen, last_key, events, since_server, message
FROM issue WHERE fingerprint = ?1;
