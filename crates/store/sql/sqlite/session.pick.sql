-- Rows of sessions for a page of a list, what it is sorted by last; that column, conditions and order follow. The row's
-- own columns are read for the page only: sorting all of them with their texts cost four times as much.
SELECT s.row,
