-- Every program; there are few.
SELECT id, name, version FROM peer;
