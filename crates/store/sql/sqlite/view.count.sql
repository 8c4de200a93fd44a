-- How many views project ?1 has. Unique index of view.
SELECT count(*) FROM view WHERE project = ?1;
