-- Which accounts person ?1 is of. Index on person.
DELETE FROM account_person WHERE person = ?1;
