//! Catalogs: distinct listings, what changed from one to the next, what they cost, and which tools nobody calls (F-115 to
//! F-120).

pub use trackway_core::catalog::diff::{Change, Grade};
pub use trackway_core::metric::arguments::{ArgumentUse, Values as ArgumentValues};
use trackway_event::{Peer, Timestamp};

use super::{Attempts, CallFigures, Period};

/// Listings shown, the newest.
pub const CATALOGS: usize = 50;
/// Calls of a tool that are held against a changed definition, the newest.
pub const CHECKED_CALLS: usize = 200;

/// Everything the catalog page shows.
#[derive(Clone, Debug, Default)]
pub struct Catalogs {
    /// Distinct listings seen in the scope, the newest first, at most [`CATALOGS`].
    pub items: Vec<CatalogRow>,
    /// Tools of the newest whole listing, the most expensive first.
    pub tools: Vec<ToolCost>,
    /// Names that were called in the scope and are in none of the listings, most calls first.
    pub unlisted: Vec<UnlistedTool>,
    /// Sessions of the scope that saw a listing.
    pub sessions: u64,
    /// When the newest whole listing was first seen, ever: tools younger than 7 days are not called dead.
    pub since: Option<Timestamp>,
    /// Set when a deadline cut the answer short.
    pub partial: Option<String>,
}

/// One distinct listing.
#[derive(Clone, Debug)]
pub struct CatalogRow {
    /// Its hash.
    pub hash: String,
    /// First time it was seen, ever.
    pub first_seen: Timestamp,
    /// Last time in the scope.
    pub last_seen: Timestamp,
    /// Sessions that saw it.
    pub sessions: u64,
    /// Times it was listed.
    pub listings: u64,
    /// Servers that showed it, newest version first.
    pub servers: Vec<Peer>,
    /// Clients that saw it.
    pub clients: Vec<String>,
    /// Tools, bytes and tokens; `None`: its definitions were never seen whole.
    pub size: Option<CatalogSize>,
    /// What changed against the listing before it; empty for the first, and where one of both is not known whole.
    pub changes: Vec<Change>,
    /// Of the breaking ones: whose calls they would fail.
    pub affected: Vec<Affected>,
    /// Tokens more (or less) than the one before.
    pub tokens_change: Option<i64>,
    /// Hash of the one before, of the same server, where the scope saw both.
    pub before: Option<String>,
    /// How calls went since it came and on the same weekdays before; for the newest ones with a listing before them.
    pub release: Option<Release>,
}

/// Figures around a change of the listing (F-118).
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// From its first sighting to the next listing's or the end of the scope, at most 28 days.
    pub since: Period,
    /// The same length as many whole weeks before as clear it, so that both have the same weekdays.
    pub until: Period,
    /// What happened since.
    pub after: Around,
    /// What happened before.
    pub before: Around,
}

/// How calls went in one of two periods that are compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Around {
    /// Calls.
    pub calls: CallFigures,
    /// What became of attempts, in the newest calls of the period.
    pub attempts: Attempts,
}

/// How large a listing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CatalogSize {
    /// Tools.
    pub tools: u64,
    /// Bytes of the definitions as minified JSON: exact.
    pub bytes: u64,
    /// Estimated tokens.
    pub tokens: u64,
}

/// Calls of a tool that worked before and its new definition would fail (F-117).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// Tool.
    pub tool: String,
    /// Calls that were held against it, the newest before the change.
    pub checked: u64,
    /// Calls that fit the old definition and not the new one.
    pub failing: u64,
    /// Sessions of those.
    pub sessions: u64,
    /// Identified people of those.
    pub people: u64,
}

/// What one tool costs whoever lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCost {
    /// Name.
    pub name: String,
    /// Bytes of its definition.
    pub bytes: u64,
    /// Of those, the description.
    pub description_bytes: u64,
    /// Of those, the schemas.
    pub schema_bytes: u64,
    /// Estimated tokens of the definition.
    pub tokens: u64,
    /// Calls in the scope.
    pub calls: u64,
    /// Whether it is used.
    pub use_: Use,
}

/// Whether a listed tool is used (F-120).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Often enough.
    Used,
    /// In less than one of 100 sessions that saw a listing.
    Rare,
    /// Never, in at least 100 sessions or 7 days.
    Dead,
    /// Never yet, and too early to tell.
    Unused,
}

/// A name that was called and is in no listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnlistedTool {
    /// As it was called.
    pub name: String,
    /// Calls in the scope.
    pub calls: u64,
    /// The nearest listed name.
    pub nearest: Option<String>,
}

/// Arguments of a tool against the schema that was shown (F-108), in its newest calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArgumentCheck {
    /// Calls whose session saw a listing with the tool.
    pub checked: u64,
    /// Calls with something wrong.
    pub wrong: u64,
    /// What is wrong, most calls first.
    pub findings: Vec<ArgumentFinding>,
    /// Calls whose arguments were looked at, the newest; at most [`CHECKED_CALLS`].
    pub calls: u64,
    /// Each argument that was sent or is in the newest schema.
    pub uses: Vec<UsedArgument>,
}

/// One argument of a tool (F-110).
#[derive(Clone, Debug, PartialEq)]
pub struct UsedArgument {
    /// Name, how often sent, types, values.
    pub used: ArgumentUse,
    /// What the newest schema says of it.
    pub place: ArgumentPlace,
    /// Calls in which it did not fit what was shown.
    pub invalid: u64,
}

/// What a schema says of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentPlace {
    /// It has to be sent.
    Required,
    /// It may be sent.
    Optional,
    /// It is not in it.
    Unknown,
    /// No schema is known.
    Untold,
}

impl ArgumentPlace {
    /// `required`, `optional`, `unknown`; nothing where no schema is known.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Required => Some("required"),
            Self::Optional => Some("optional"),
            Self::Unknown => Some("unknown"),
            Self::Untold => None,
        }
    }
}

/// One thing that is wrong with calls.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgumentFinding {
    /// Path of the argument.
    pub path: String,
    /// `unknown`, `missing`, `type`, `enum` or `range`.
    pub sort: &'static str,
    /// What, in words.
    pub what: String,
    /// Calls.
    pub calls: u64,
    /// Of those, the ones that failed.
    pub failed: u64,
}
