-- The same over the whole narrow table, for ids that tell no time. ?1 hash.
SELECT seq FROM seen WHERE substr(key, 9) = ?1;
