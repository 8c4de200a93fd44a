-- Every setting of every project. Few.
SELECT project, key, value FROM setting ORDER BY project, key;
