-- What this ledger follows. Table scan: there are two.
SELECT name, value, upto FROM rule;
