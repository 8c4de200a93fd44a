-- How many owners there are besides ?1.
SELECT count(*) FROM member WHERE role = 'owner' AND row <> ?1;
