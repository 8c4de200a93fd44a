-- An operator's word: session ?1 continues ?2 (apart 0), or was split from it (apart 1), which is ?3; 4: by hand. Primary key.
INSERT OR REPLACE INTO session_link (later, earlier, evidence, confidence, gap_us, apart) VALUES (?1, ?2, 4, 100, 0, ?3);
