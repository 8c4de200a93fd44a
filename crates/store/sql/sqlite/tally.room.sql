-- Whether a project may have a count of this name: it has it, or has fewer than ?4. ?1 project, ?2 kind, ?3 name.
SELECT EXISTS (SELECT 1 FROM tally WHERE project = ?1 AND kind = ?2 AND name = ?3)
       OR (SELECT count(*) FROM tally WHERE project = ?1 AND kind = ?2) < ?4;
