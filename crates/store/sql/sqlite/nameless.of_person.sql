-- Share of all ids of person ?1 of events that name nobody. Indexes person_root and nameless_person.
SELECT min(first_at), max(last_at), coalesce(sum(tool_calls), 0), coalesce(sum(errors), 0) FROM nameless
WHERE person IN (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1);
