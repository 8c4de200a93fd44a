-- What is known of session ?1. Primary key.
SELECT facts, attributed FROM session WHERE row = ?1;
