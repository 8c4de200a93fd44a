-- An operator's word on what session ?1 continues: ?2. Primary key.
UPDATE session_link SET apart = ?2 WHERE later = ?1;
