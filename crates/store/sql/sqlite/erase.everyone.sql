-- Every id. Table scan: asked after a restore only.
SELECT row, id FROM person;
