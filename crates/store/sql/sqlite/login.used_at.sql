-- When the dashboard session ?1 was last used.
SELECT used_at FROM login WHERE hash = ?1;
