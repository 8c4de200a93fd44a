-- Takes a dedupe key (D4) or, when it is there already, does nothing. ?1 key, ?2 seq. Primary key.
INSERT OR IGNORE INTO seen (key, seq) VALUES (?1, ?2);
