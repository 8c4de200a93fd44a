-- A listing's row, and whether its definitions are known. ?1 hash. Unique index.
SELECT row, tools IS NOT NULL FROM catalog WHERE hash = ?1;
