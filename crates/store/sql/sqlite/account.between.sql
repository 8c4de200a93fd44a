-- Accounts named in hours [?1, ?2), some more than once. Primary key range.
SELECT account FROM account_hour WHERE hour >= ?1 AND hour < ?2;
