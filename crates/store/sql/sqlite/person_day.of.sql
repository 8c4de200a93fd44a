-- Days [?2, ?3) on which person ?1 was seen, under any id that is shown as theirs. Primary key range of the days.
SELECT DISTINCT day FROM person_day
WHERE day >= ?2 AND day < ?3 AND (person = ?1 OR person IN (SELECT row FROM person WHERE root = ?1)) ORDER BY day;
