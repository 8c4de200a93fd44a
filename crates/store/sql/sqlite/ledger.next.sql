-- The highest numbers in use, to go on from. Primary keys.
SELECT (SELECT coalesce(max(seq), 0) FROM event), (SELECT coalesce(max(id), 0) FROM block),
       (SELECT coalesce(max(row), 0) FROM session), (SELECT coalesce(max(row), 0) FROM person),
       (SELECT coalesce(max(row), 0) FROM issue), (SELECT coalesce(max(row), 0) FROM account);
