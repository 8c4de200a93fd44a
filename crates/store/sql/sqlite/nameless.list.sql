-- Everybody's share of events that name nobody. Index nameless_person alone.
SELECT person, min(first_at), max(last_at), sum(tool_calls), sum(errors) FROM nameless GROUP BY person;
