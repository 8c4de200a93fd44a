-- Merge facts about any id of person ?1, oldest first, at most 200. Index person_root, then those of merge_fact.
WITH ids (row) AS (SELECT ?1 UNION SELECT row FROM person WHERE root = ?1)
SELECT m.row, m.at, m.event, m.via, s.id, t.id, m.verdict FROM merge_fact m
JOIN person s ON s.row = m.source JOIN person t ON t.row = m.target
WHERE m.row IN (SELECT row FROM merge_fact WHERE source IN (SELECT row FROM ids)
  UNION SELECT row FROM merge_fact WHERE target IN (SELECT row FROM ids))
ORDER BY m.at, m.event, m.row LIMIT 200;
