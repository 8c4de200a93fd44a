-- What readers keep in memory is known to be right by these counts. day: days since 1970 (UTC); its count grows with every change to
-- the sessions that started on it, to failures and to figures of it. Day -1: grows when a tool call changes or goes after it was
-- stored. Triggers, so that no statement that writes can forget it; a day without a row was not changed since this came.
CREATE TABLE kept (
  day INTEGER PRIMARY KEY,
  n   INTEGER NOT NULL
) STRICT;

CREATE TRIGGER kept_session_new AFTER INSERT ON session WHEN new.activity > 0 BEGIN
  INSERT INTO kept VALUES (new.started_at / 86400000000, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_session_set AFTER UPDATE OF started_at, last_at, activity, client, errors, missing ON session BEGIN
  INSERT INTO kept VALUES (old.started_at / 86400000000, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
  INSERT INTO kept SELECT new.started_at / 86400000000, 1 WHERE new.started_at / 86400000000 <> old.started_at / 86400000000
    ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_session_gone AFTER DELETE ON session BEGIN
  INSERT INTO kept VALUES (old.started_at / 86400000000, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER kept_failure_new AFTER INSERT ON event WHEN new.issue IS NOT NULL BEGIN
  INSERT INTO kept VALUES (new.started_at / 86400000000, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_failure_set AFTER UPDATE OF started_at, issue, session, person ON event
  WHEN old.issue IS NOT NULL OR new.issue IS NOT NULL BEGIN
  INSERT INTO kept VALUES (new.started_at / 86400000000, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_failure_gone AFTER DELETE ON event WHEN old.issue IS NOT NULL BEGIN
  INSERT INTO kept VALUES (old.started_at / 86400000000, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
-- Failures that name nobody count for whom their session is put down to.
CREATE TRIGGER kept_nameless_new AFTER INSERT ON nameless BEGIN
  INSERT INTO kept SELECT DISTINCT started_at / 86400000000, 1 FROM event WHERE session = new.session AND issue IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_nameless_set AFTER UPDATE OF session, person ON nameless
  WHEN old.person <> new.person OR old.session <> new.session BEGIN
  INSERT INTO kept SELECT DISTINCT started_at / 86400000000, 1 FROM event
    WHERE session IN (old.session, new.session) AND issue IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_nameless_gone AFTER DELETE ON nameless BEGIN
  INSERT INTO kept SELECT DISTINCT started_at / 86400000000, 1 FROM event WHERE session = old.session AND issue IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;

-- Whatever is counted of a tool is counted of its kind as well, which is tool 0. grain 1: days
CREATE TRIGGER kept_figures_new AFTER INSERT ON rollup WHEN new.grain = 1 AND new.tool = 0 BEGIN
  INSERT INTO kept VALUES (new.bucket, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_figures_set AFTER UPDATE ON rollup WHEN new.grain = 1 AND new.tool = 0 BEGIN
  INSERT INTO kept VALUES (new.bucket, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_figures_gone AFTER DELETE ON rollup WHEN old.grain = 1 AND old.tool = 0 BEGIN
  INSERT INTO kept VALUES (old.bucket, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER kept_person_new AFTER INSERT ON person_day BEGIN
  INSERT INTO kept VALUES (new.day, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_person_set AFTER UPDATE ON person_day BEGIN
  INSERT INTO kept VALUES (old.day, 1), (new.day, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_person_gone AFTER DELETE ON person_day BEGIN
  INSERT INTO kept VALUES (old.day, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;

-- kind 1: tool_call
CREATE TRIGGER kept_call_set AFTER UPDATE ON event WHEN old.kind = 1 BEGIN
  INSERT INTO kept VALUES (-1, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER kept_call_gone AFTER DELETE ON event WHEN old.kind = 1 BEGIN
  INSERT INTO kept VALUES (-1, 1) ON CONFLICT (day) DO UPDATE SET n = n + 1;
END;

-- Failures by time with all that figures of error groups need: a twentieth of the rows, and a day of them is one piece.
CREATE INDEX event_failed ON event (started_at, issue, session, person) WHERE issue IS NOT NULL;
