-- Work ?1 is done. ?2 now, ?3 its answer, ?4 what stays of what was asked.
UPDATE chore SET done_at = ?2, answer = ?3, ask = ?4 WHERE id = ?1;
