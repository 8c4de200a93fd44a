-- What only the detail of an event shows. ?1 seq. Primary key.
SELECT e.received_at, e.tags, k.name, k.version, n.text, d.text, e.block, e.offset, e.length
FROM event e
LEFT JOIN session s ON s.row = e.session
LEFT JOIN peer k ON k.id = coalesce(e.sdk, s.sdk)
LEFT JOIN name n ON n.id = coalesce(e.protocol, s.protocol)
LEFT JOIN name d ON d.id = e.model
WHERE e.seq = ?1;
