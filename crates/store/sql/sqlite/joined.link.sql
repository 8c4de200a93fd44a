-- Session ?1 continues ?2: evidence, confidence, gap. Primary key.
INSERT OR REPLACE INTO session_link (later, earlier, evidence, confidence, gap_us, apart) VALUES (?1, ?2, ?3, ?4, ?5, 0);
