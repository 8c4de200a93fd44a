-- Number of a text. ?1 text. Unique index on text.
SELECT id FROM name WHERE text = ?1;
