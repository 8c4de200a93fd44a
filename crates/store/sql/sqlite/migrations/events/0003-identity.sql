-- Who is who. Events keep the number of the id they named; which person that id is shown under is one column here, so a
-- merge of two people with any number of events writes a few rows and is seen by the next question.
--   root        the person it is shown under; NULL: itself
--   known       0: only events that may make no person named it (PH I2)
--   identified  1: a merge said so (PH I10)
--   linked      1: merge facts name it; name and traits are then those of all ids of the person, facts stay its own
ALTER TABLE person ADD COLUMN root INTEGER;
ALTER TABLE person ADD COLUMN known INTEGER NOT NULL DEFAULT 1;
ALTER TABLE person ADD COLUMN identified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;
CREATE INDEX person_root ON person (root) WHERE root IS NOT NULL;
CREATE INDEX person_moved ON person (row, root, known) WHERE root IS NOT NULL OR known = 0;

-- What said that two ids are one person: the first of each sort by (time, event). Both are rows of person.
CREATE TABLE merge_fact (
  row     INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  event   TEXT    NOT NULL,
  via     INTEGER NOT NULL,
  source  INTEGER NOT NULL,
  target  INTEGER NOT NULL,
  verdict INTEGER NOT NULL,
  UNIQUE (source, target, via)
) STRICT;
CREATE INDEX merge_fact_target ON merge_fact (target);
