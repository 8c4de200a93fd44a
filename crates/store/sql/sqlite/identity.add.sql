-- A merge fact: ?1 time, ?2 event, ?3 via, ?4 source, ?5 target, ?6 verdict until it is folded. The first of its sort holds.
INSERT INTO merge_fact (at, event, via, source, target, verdict) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (source, target, via) DO UPDATE SET at = excluded.at, event = excluded.event
WHERE (excluded.at, excluded.event) < (at, event);
