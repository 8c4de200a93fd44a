-- People that are shown under another (their root) or not at all (known = 0). Index person_moved alone.
SELECT row, root, known FROM person WHERE root IS NOT NULL OR known = 0;
