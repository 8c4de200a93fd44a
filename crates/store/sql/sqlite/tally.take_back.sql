-- Takes ?2 dropped events of reason ?1, counted under no project, back; they are counted as evicted instead.
UPDATE tally SET n = n - ?2 WHERE project = 0 AND kind = 1 AND name = ?1 AND n >= ?2;
