-- Events a second that may come in with a token, with bursts of ten seconds' worth; 0: as many as its project's.
ALTER TABLE token ADD COLUMN per_second INTEGER NOT NULL DEFAULT 0;
