-- What the search index was given of event ?1. Primary key.
SELECT e.intent, nullif(e.error_message, ''), n.text FROM event e LEFT JOIN name n ON n.id = e.tool WHERE e.seq = ?1;
