-- The first day somebody was seen on, and the day after the last. Primary key, both ends.
SELECT coalesce((SELECT min(day) FROM person_day), 0), coalesce((SELECT max(day) FROM person_day), -1) + 1;
