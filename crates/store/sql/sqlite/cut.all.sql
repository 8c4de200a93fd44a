-- Every cut, in order of time, with person and client name where the part is a grouped session. Primary keys.
SELECT c.row, c.origin, c.at, s.group_person, s.group_client FROM session_cut c JOIN session s ON s.row = c.row
ORDER BY c.at, c.row;
