-- The types of groups in use. Unique index.
SELECT DISTINCT type FROM account;
