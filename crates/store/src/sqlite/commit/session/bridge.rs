//! Bridges: two grouped sessions turn out to be one (D13).

use rusqlite::Connection;

use super::file::clientless;
use super::{Sessions, Stored};
use crate::Result;
use crate::sqlite::commit::rollup::Rollups;
use crate::sqlite::commit::words::Words;
use crate::sqlite::control::sql;
use crate::sqlite::nameless::Rows;
use crate::sqlite::{hand, joined};

impl Sessions {
    /// Session `gone` ends in `keep`, which was minted first: its events move, its id redirects.
    pub(super) fn bridge(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        rollups: &mut Rollups,
        keep: i64,
        gone: i64,
    ) -> Result<()> {
        self.state(conn, gone)?;
        let Some(end) = self.touched.remove(&gone) else { return Ok(()) };
        let kept = self.state(conn, keep)?;
        if end.stored == Stored::Yes && kept.client != end.client {
            rollups.shift(conn, words, &clientless(conn, gone)?, end.client, kept.client)?;
        }
        kept.facts.merge(end.facts);
        if end.rows == Rows::Older {
            // Its events move; what is put down to a person is counted anew when the commit is written.
            (kept.attributed, kept.rows) = (None, Rows::Older);
        }
        self.by_id.insert(end.id, keep);
        self.gone.insert(gone, keep);
        // One that began and ended in this commit was never seen.
        if end.stored == Stored::Yes {
            for session in [keep, gone] {
                conn.prepare_cached(sql!("nameless.delete"))?.execute([session])?;
            }
            let tied = hand::absorb(conn, keep, gone)?;
            for row in tied.iter().chain([&keep]) {
                self.stand_anew(conn, *row)?;
            }
            self.unsettled.extend(tied);
            self.cuts = None;
            for move_rows in [
                sql!("event.move_session"),
                sql!("person_session.move"),
                sql!("account.move"),
                sql!("conversation.move"),
                sql!("leg.move"),
                sql!("session.redirect"),
            ] {
                conn.prepare_cached(move_rows)?.execute((keep, gone))?;
            }
        }
        Ok(())
    }

    /// Reads anew how sessions stand that an operator's word ties to others.
    fn stand_anew(&mut self, conn: &Connection, row: i64) -> Result<()> {
        let state = match self.touched.get_mut(&row) {
            Some(state) => Some(state),
            None => self.states.get_mut(&row),
        };
        if let Some(state) = state {
            (state.under, state.shows) = joined::stands(conn, row)?;
        }
        Ok(())
    }
}
