-- What event ?1 gives to its call. Primary key.
SELECT intent, block, offset, length, session FROM event WHERE seq = ?1;
