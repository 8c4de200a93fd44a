-- Sessions that are shown under another. Index session_head.
SELECT row, head FROM session WHERE head IS NOT NULL;
