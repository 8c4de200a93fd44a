-- Which accounts were named in session ?1. Index event_session; primary key.
INSERT OR REPLACE INTO account_session (account, session, nameless)
SELECT x.account, e.session, max(e.person IS NULL) FROM event e JOIN account_event x ON x.seq = e.seq
WHERE e.session = ?1 GROUP BY x.account;
