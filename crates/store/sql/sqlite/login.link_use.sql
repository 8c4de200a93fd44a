-- Uses a link up. ?1 hash; answers its expiry and its member.
DELETE FROM login_link WHERE hash = ?1 RETURNING expires_at, member;
