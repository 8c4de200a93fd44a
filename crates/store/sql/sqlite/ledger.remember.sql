-- Keeps the highest numbers before rows are removed, so that none is given twice.
INSERT INTO counter (name, n) SELECT 'high.event', coalesce(max(seq), 0) FROM event WHERE true
  ON CONFLICT (name) DO UPDATE SET n = max(n, excluded.n);
INSERT INTO counter (name, n) SELECT 'high.block', coalesce(max(id), 0) FROM block WHERE true
  ON CONFLICT (name) DO UPDATE SET n = max(n, excluded.n);
INSERT INTO counter (name, n) SELECT 'high.session', coalesce(max(row), 0) FROM session WHERE true
  ON CONFLICT (name) DO UPDATE SET n = max(n, excluded.n);
INSERT INTO counter (name, n) SELECT 'high.person', coalesce(max(row), 0) FROM person WHERE true
  ON CONFLICT (name) DO UPDATE SET n = max(n, excluded.n);
INSERT INTO counter (name, n) SELECT 'high.issue', coalesce(max(row), 0) FROM issue WHERE true
  ON CONFLICT (name) DO UPDATE SET n = max(n, excluded.n);
