-- Removes which accounts were named in session ?1. Index on session.
DELETE FROM account_session WHERE session = ?1;
