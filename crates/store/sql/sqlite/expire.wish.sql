-- What became of the wish of event ?1, which goes. Primary key.
DELETE FROM wish WHERE event = ?1;
