-- People of events, named by themselves or by their session; conditions follow.
SELECT DISTINCT coalesce(e.person, s.attributed) FROM event e LEFT JOIN session s ON s.row = e.session
WHERE coalesce(e.person, s.attributed) IS NOT NULL
