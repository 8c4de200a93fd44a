-- What a ledger says of itself against its rows: events, dedupe keys, the count of stored events, sessions whose counter
-- is not the number of their rows. No index serves the first; it is asked of copies only. 15: protocol
SELECT (SELECT count(*) FROM event),
       (SELECT count(*) FROM seen),
       (SELECT coalesce(sum(n), 0) FROM counter WHERE name = 'stored'),
       (SELECT count(*) FROM session s
        LEFT JOIN session_own o ON o.row = s.row
        WHERE s.merged_into IS NULL
          AND coalesce(o.events, s.events) <> (SELECT count(*) FROM event e WHERE e.session = s.row AND e.kind <> 15));
