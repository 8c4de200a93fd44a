-- People of events; conditions follow.
SELECT DISTINCT e.person FROM event e LEFT JOIN session s ON s.row = e.session WHERE e.person IS NOT NULL
