-- Removes which accounts were named in hours before ?1. Primary key range.
DELETE FROM account_hour WHERE hour < ?1;
