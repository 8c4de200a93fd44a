//! The answers: every question of [`crate::Store`] over one ledger, read in one snapshot under a deadline.
//!
//! `pool` lends connections, `cursor` and `filter_sql` turn pages and conditions into SQL; one file per area does the rest.

mod accounts;
mod aid;
mod call;
mod catalog;
mod circumstances;
mod closely;
mod contents;
mod cursor;
mod event;
mod export;
mod figures;
mod filter_sql;
mod filter_what;
mod intents;
mod issues;
mod kept;
mod ledger;
mod overview;
mod payloads;
mod people;
mod pool;
mod reach;
mod recent;
mod replay;
mod session;
mod sightings;
mod signals;
mod span;
mod tool_list;
mod tools;
mod ways;
mod why;
mod wishes;

pub(super) use accounts::{account, accounts};
pub(super) use call::session_calls;
pub(super) use catalog::{catalogs, tools_of as catalog_tools};
pub(super) use event::{after, detail, events, events_between, find as find_event, session_events};
pub(super) use export::{export, of_session as export_of_session};
pub(super) use intents::intents;
pub(super) use issues::{issue, issues};
pub(super) use ledger::{known, last_event_at, stored_since};
pub(super) use overview::overview;
pub(super) use people::{people, person};
pub(super) use pool::{Pool, Reader};
pub(super) use replay::{definition, has, windows};
pub(super) use session::{counts as session_counts, session, sessions, siblings, tracks_until};
pub(super) use signals::{signals, warnings};
pub(super) use tool_list::tools;
pub(super) use tools::{clients, tool};
pub(super) use ways::ways;
pub(super) use wishes::{feedback, is_wish, wishes};

use rusqlite::types::Value;
use trackway_event::{Peer, limits};

use crate::query::{ActorRef, PageAsk};

/// What a list says when its deadline cut it short.
const CUT_SHORT: &str =
    "the search took too long; older rows were not looked at, narrow the period or the filter";

/// A statement being put together: text and bound values in step.
#[derive(Default)]
struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    fn new(text: &str) -> Self {
        Self { text: text.trim_end().trim_end_matches(';').to_owned(), values: Vec::new() }
    }

    /// Adds text without values.
    fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a bound value.
    fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('?');
        let n = self.values.len();
        self.text.push_str(&n.to_string());
        self
    }
}

/// Rows of a page: the caller's number within `max`, or the default.
fn rows_of(page: &PageAsk, max: usize) -> usize {
    if page.limit == 0 { limits::PAGE_ROWS } else { page.limit.min(max) }
}

fn peer(name: Option<String>, version: Option<String>) -> Option<Peer> {
    let version = version.filter(|v| !v.is_empty()).map(Into::into);
    name.map(|name| Peer { name: name.into(), version })
}

fn actor(id: Option<String>, name: Option<String>) -> Option<ActorRef> {
    let (id, _) = trackway_event::ActorId::parse(&id?)?;
    Some(ActorRef { id, name })
}
