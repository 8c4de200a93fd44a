-- A block of payloads. ?1 id, ?2 zstd bytes.
INSERT INTO block (id, data) VALUES (?1, ?2);
