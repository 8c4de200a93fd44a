-- Every other name of a project that is not being deleted.
SELECT a.alias, a.project FROM alias a JOIN project p ON p.row = a.project WHERE p.deleted_at IS NULL ORDER BY a.alias;
