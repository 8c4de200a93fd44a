-- How often stored calls were changed or removed, and the newest row of all. Primary keys.
SELECT coalesce((SELECT n FROM kept WHERE day = -1), 0), coalesce((SELECT max(seq) FROM event), 0);
