-- The highest numbers ever given, to go on from: of the rows there are, and of those that were removed. Primary keys.
SELECT (SELECT max(coalesce((SELECT max(seq) FROM event), 0), coalesce((SELECT n FROM counter WHERE name = 'high.event'), 0))),
       (SELECT max(coalesce((SELECT max(id) FROM block), 0), coalesce((SELECT n FROM counter WHERE name = 'high.block'), 0))),
       (SELECT max(coalesce((SELECT max(row) FROM session), 0), coalesce((SELECT n FROM counter WHERE name = 'high.session'), 0))),
       (SELECT max(coalesce((SELECT max(row) FROM person), 0), coalesce((SELECT n FROM counter WHERE name = 'high.person'), 0))),
       (SELECT max(coalesce((SELECT max(row) FROM issue), 0), coalesce((SELECT n FROM counter WHERE name = 'high.issue'), 0))),
       (SELECT coalesce(max(row), 0) FROM account);
