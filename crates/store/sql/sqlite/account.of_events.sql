-- Accounts that events name; conditions follow. The events' index, then primary key of account_event.
SELECT x.account FROM event e LEFT JOIN session s ON s.row = e.session JOIN account_event x ON x.seq = e.seq WHERE TRUE
