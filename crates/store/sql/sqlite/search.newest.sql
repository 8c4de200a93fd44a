-- The newest ?2 events that match words. ?1 words. The index alone, which gathers every word with such a beginning once.
SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT ?2;
