//! The questions every surface asks, and their answers: one struct a question (`ARCHITECTURE.md` §3.8).
//!
//! Times are half-open periods `[from, to)`. A session belongs to a period by its start, an event by its start, an issue
//! or person by any event in it (D17). Counts are those of decision D16, rates those of product §2.

mod account;
mod catalog;
mod event;
mod export;
mod figures;
mod intent;
mod issue;
mod replay;
mod session;
mod sighting;
mod signals;
mod tool;
mod way;
mod wish;

pub use account::*;
pub use catalog::*;
pub use event::*;
pub use export::*;
pub use figures::*;
pub use intent::*;
pub use issue::*;
pub use replay::*;
pub use session::*;
pub use sighting::*;
pub use signals::*;
pub use tool::*;
pub use way::*;
pub use wish::*;

use trackway_core::filter::Filter;
pub use trackway_core::period::TimeZone;
use trackway_event::Timestamp;

/// A half-open span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Included.
    pub from: Timestamp,
    /// Excluded.
    pub to: Timestamp,
}

impl Period {
    /// The same length just before.
    pub const fn previous(self) -> Self {
        Self { from: self.from.plus_micros(self.to.since(self.from).saturating_neg()), to: self.from }
    }

    /// The same length as many whole weeks before as clear it.
    pub const fn weeks_before(self) -> Self {
        const WEEK_US: i64 = 7 * 86_400_000_000;
        let length = self.to.since(self.from);
        let back = length
            .saturating_sub(1)
            .div_euclid(WEEK_US)
            .saturating_add(1)
            .saturating_mul(WEEK_US)
            .saturating_neg();
        Self { from: self.from.plus_micros(back), to: self.to.plus_micros(back) }
    }
}

/// What part of the data a question is about.
#[derive(Clone, Debug)]
pub struct Scope {
    /// When.
    pub period: Period,
    /// Which.
    pub filter: Filter,
    /// The zone whose days and weeks the buckets of series are.
    pub zone: TimeZone,
}

/// Which page of a list.
#[derive(Clone, Debug, Default)]
pub struct PageAsk {
    /// Opaque cursor of the page before.
    pub after: Option<String>,
    /// Rows, at most [`trackway_event::limits::PAGE_ROWS_MAX`] (session events: 500); 0 = the default.
    pub limit: usize,
}

/// A list over a scope.
#[derive(Clone, Debug)]
pub struct ListAsk {
    /// Which part of the data.
    pub scope: Scope,
    /// Which page.
    pub page: PageAsk,
    /// A sort field of the list, `-` first for descending; the list's own default when absent. Unknown: `BadQuestion`.
    pub sort: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Rows in order.
    pub items: Vec<T>,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// Rows over all pages, where it is cheap to know.
    pub total: Option<u64>,
    /// Set when a deadline cut the answer short: what is missing, in words.
    pub partial: Option<String>,
}
