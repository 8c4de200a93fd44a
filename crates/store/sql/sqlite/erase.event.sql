-- Event ?1 stays as a count: nobody's, without words. Primary key.
UPDATE event SET person = NULL, intent = NULL, intent_source = NULL, resource = NULL, tags = NULL, issue = NULL,
  repeat = NULL,
  error_message = iif(error_message IS NULL, NULL, '') WHERE seq = ?1;
