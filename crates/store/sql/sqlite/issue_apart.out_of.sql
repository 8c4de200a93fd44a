-- What group ?1 was taken out of by hand, and by what. Unique index on made, on fingerprint.
SELECT o.row, o.title, a.what, a.value, a.at_time IS NOT NULL
FROM issue i JOIN issue_apart a ON a.made = i.fingerprint JOIN issue o ON o.fingerprint = a.source WHERE i.row = ?1;
