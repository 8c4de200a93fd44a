-- A deletion of a later time, to be done again here. ?1 id, ?2 project, ?3 kind, ?4 prints, ?5 when it was asked for.
INSERT INTO chore (id, project, kind, ask, asked_at) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT (id) DO UPDATE SET done_at = NULL, ask = excluded.ask;
