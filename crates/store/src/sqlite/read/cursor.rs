//! Cursors: where a page ended, as text that says nothing to its bearer and is checked when it comes back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Result, StoreError};

/// The lists that have cursors; a cursor of one is refused by another.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum List {
    Events = 1,
    SessionEvents = 2,
    /// Lists that are sorted in memory; `key` is the number of rows before.
    Sorted = 3,
    /// Sessions by one of their sorts.
    Sessions = 16,
}

/// The sort value and the row number of the last row of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) key: i64,
    pub(super) row: i64,
}

impl Cursor {
    /// The cursor as text. `sort` tells sorts of one list apart.
    pub(super) fn print(self, list: List, sort: u8) -> String {
        let mut bytes = vec![list as u8, sort];
        bytes.extend(self.key.to_be_bytes());
        bytes.extend(self.row.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of this list and sort; `None` stays `None`.
    pub(super) fn parse(text: Option<&str>, list: List, sort: u8) -> Result<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        let bytes: [u8; 18] =
            URL_SAFE_NO_PAD.decode(text).ok().and_then(|b| b.try_into().ok()).ok_or(StoreError::BadCursor)?;
        let (head, tail) = bytes.split_at(2);
        let (key, row) = tail.split_at(8);
        let number = |b: &[u8]| b.try_into().map(i64::from_be_bytes).map_err(|_| StoreError::BadCursor);
        if head != [list as u8, sort] {
            return Err(StoreError::BadCursor);
        }
        Ok(Some(Self { key: number(key)?, row: number(row)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_to_their_own_list_only() {
        let cursor = Cursor { key: -5, row: i64::MAX };
        let text = cursor.print(List::Events, 0);
        assert_eq!(Cursor::parse(Some(&text), List::Events, 0).unwrap(), Some(cursor));
        for (text, list, sort) in [
            (text.as_str(), List::Sessions, 0),
            (&text, List::Events, 1),
            ("x", List::Events, 0),
            ("", List::Events, 0),
        ] {
            assert!(matches!(Cursor::parse(Some(text), list, sort), Err(StoreError::BadCursor)));
        }
    }
}
