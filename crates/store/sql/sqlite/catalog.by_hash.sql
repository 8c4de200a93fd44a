-- The definitions of a listing. ?1 hash. Unique index.
SELECT tools FROM catalog WHERE hash = ?1;
