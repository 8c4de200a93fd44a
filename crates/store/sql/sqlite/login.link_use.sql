-- Uses a link up. ?1 hash; answers its expiry.
DELETE FROM login_link WHERE hash = ?1 RETURNING expires_at;
