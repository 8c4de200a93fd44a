-- An error group as it is now; columns in the order of the table. Primary key.
INSERT INTO issue VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (row) DO UPDATE SET
  title = excluded.title, class = excluded.class, first_seen = excluded.first_seen, first_key = excluded.first_key,
  last_seen = excluded.last_seen, last_key = excluded.last_key, events = excluded.events,
  since_server = excluded.since_server, message = excluded.message;
