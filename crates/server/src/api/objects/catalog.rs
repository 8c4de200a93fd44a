//! Catalogs, argument checks and wishes as objects.

use serde::{Deserialize, Serialize};
use trackway_store::query as q;
use utoipa::ToSchema;

use super::{EventObject, Program};

/// Distinct listings of a period and what follows from them.
#[derive(Debug, Serialize, ToSchema)]
pub struct CatalogsObject {
    /// Listings, the newest first.
    pub items: Vec<CatalogObject>,
    /// Tools of the newest whole listing, the most expensive first.
    pub tools: Vec<ToolCostObject>,
    /// Names that were called and are in no listing.
    pub unlisted: Vec<UnlistedToolObject>,
    /// Sessions that saw a listing.
    pub sessions: u64,
    /// Present when a deadline cut the answer short.
    pub partial: Option<String>,
}

/// One distinct listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct CatalogObject {
    /// Its hash.
    pub hash: String,
    /// First sighting ever.
    pub first_seen: String,
    /// Last sighting in the period.
    pub last_seen: String,
    /// Sessions that saw it.
    pub sessions: u64,
    /// Times it was listed.
    pub listings: u64,
    /// Servers that showed it.
    pub servers: Vec<Program>,
    /// Clients that saw it.
    pub clients: Vec<String>,
    /// Tools; `null` where its definitions were never seen whole.
    pub tools: Option<u64>,
    /// Bytes of the definitions.
    pub bytes: Option<u64>,
    /// Estimated tokens.
    pub tokens: Option<u64>,
    /// Tokens more (or less) than the one before.
    pub tokens_change: Option<i64>,
    /// What changed against the one before, the worst first.
    pub changes: Vec<ChangeObject>,
    /// Whose newest calls the breaking ones would fail.
    pub affected: Vec<AffectedObject>,
    /// Hash of the one before, of the same server.
    pub before: Option<String>,
    /// How calls went since, and on the same weekdays before; for the newest listings.
    pub release: Option<ReleaseObject>,
}

/// Figures around a change of the listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReleaseObject {
    /// Since it came.
    pub after: AroundObject,
    /// The same length as many whole weeks before as clear it.
    pub before: AroundObject,
}

/// How calls went in one of two periods that are compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct AroundObject {
    /// Start.
    pub from: String,
    /// End.
    pub to: String,
    /// Calls.
    pub calls: u64,
    /// Those that have finished.
    pub finished: u64,
    /// Those that failed.
    pub failed: u64,
    /// Attempts among the newest calls.
    pub attempts: u64,
    /// Share of them that their first call solved.
    pub first_try: Option<f64>,
}

/// One change of a listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeObject {
    /// `breaking`, `risky` or `harmless`.
    pub grade: String,
    /// Tool.
    pub tool: String,
    /// Place in its arguments; empty for the tool itself.
    pub path: String,
    /// What, in words.
    pub what: String,
}

/// Calls that worked and a changed definition would fail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AffectedObject {
    /// Tool.
    pub tool: String,
    /// Calls that were looked at.
    pub checked: u64,
    /// Of those, the ones that would fail.
    pub failing: u64,
    /// Their sessions.
    pub sessions: u64,
    /// Their identified people.
    pub people: u64,
}

/// What one tool costs whoever lists it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolCostObject {
    /// Name.
    pub name: String,
    /// Bytes of its definition.
    pub bytes: u64,
    /// Of those, the description.
    pub description_bytes: u64,
    /// Of those, the schemas.
    pub schema_bytes: u64,
    /// Estimated tokens.
    pub tokens: u64,
    /// Calls in the period.
    pub calls: u64,
    /// `used`, `rare`, `dead` or `unused`.
    #[serde(rename = "use")]
    pub use_: String,
}

/// A name that was called and is in no listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnlistedToolObject {
    /// As it was called.
    pub name: String,
    /// Calls.
    pub calls: u64,
    /// The nearest listed name.
    pub nearest: Option<String>,
}

/// Arguments of a tool's newest calls against the schema that was shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArgumentCheckObject {
    /// Calls whose definition is known.
    pub checked: u64,
    /// Calls with something wrong.
    pub wrong: u64,
    /// What is wrong, most calls first.
    pub findings: Vec<ArgumentFindingObject>,
    /// Calls whose arguments were looked at.
    pub calls: u64,
    /// Each argument that was sent or is in the newest schema.
    pub uses: Vec<UsedArgumentObject>,
}

/// One argument of a tool.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsedArgumentObject {
    /// Its name.
    pub name: String,
    /// `required`, `optional` or `unknown` to the newest schema; `null` where none is known.
    pub place: Option<&'static str>,
    /// Calls that sent it.
    pub sent: u64,
    /// Calls in which it did not fit what was shown.
    pub invalid: u64,
    /// Types with calls, most first.
    pub types: Vec<(String, u64)>,
    /// Values with calls, where there are few.
    pub values: Option<Vec<(String, u64)>>,
    /// Shortest and longest text, in signs, where values are many texts.
    pub lengths: Option<(u64, u64)>,
    /// Lowest and highest number, where values are many numbers.
    pub range: Option<(f64, f64)>,
}

/// One thing that is wrong with calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArgumentFindingObject {
    /// Path of the argument.
    pub path: String,
    /// `unknown`, `missing`, `type`, `enum` or `range`.
    pub sort: String,
    /// What, in words.
    pub what: String,
    /// Calls.
    pub calls: u64,
    /// Of those, failed ones.
    pub failed: u64,
}

/// A wish and what becomes of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WishObject {
    /// Who asked, when, in which words.
    pub event: EventObject,
    /// `new`, `planned`, `shipped` or `declined`.
    pub status: String,
    /// A note.
    pub note: Option<String>,
    /// Who noted it.
    pub noted_by: Option<String>,
    /// When.
    pub noted_at: Option<String>,
    /// For a shipped one: wishes in like words since then; `null` for others.
    pub asked_again: Option<u64>,
    /// The newest of those.
    pub asked_again_at: Option<String>,
    /// A tool that was first listed after it and may answer it, by its words.
    pub answered_by: Option<String>,
    /// When that was.
    pub answered_since: Option<String>,
    /// Words that name its matter: wishes of this page in like words have the same.
    pub matter: String,
}

/// What becomes of a wish.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WishBody {
    /// `new`, `planned`, `shipped` or `declined`.
    pub status: String,
    /// Free words, at most 500 characters.
    #[serde(default)]
    pub note: String,
}

/// The word for a use.
pub(crate) const fn use_word(of: q::Use) -> &'static str {
    match of {
        q::Use::Used => "used",
        q::Use::Rare => "rare",
        q::Use::Dead => "dead",
        q::Use::Unused => "unused",
    }
}

impl From<q::Catalogs> for CatalogsObject {
    fn from(c: q::Catalogs) -> Self {
        let cost = |t: q::ToolCost| ToolCostObject {
            name: t.name,
            bytes: t.bytes,
            description_bytes: t.description_bytes,
            schema_bytes: t.schema_bytes,
            tokens: t.tokens,
            calls: t.calls,
            use_: use_word(t.use_).into(),
        };
        let unlisted =
            |u: q::UnlistedTool| UnlistedToolObject { name: u.name, calls: u.calls, nearest: u.nearest };
        Self {
            items: c.items.into_iter().map(Into::into).collect(),
            tools: c.tools.into_iter().map(cost).collect(),
            unlisted: c.unlisted.into_iter().map(unlisted).collect(),
            sessions: c.sessions,
            partial: c.partial,
        }
    }
}

fn around(period: q::Period, of: &q::Around) -> AroundObject {
    AroundObject {
        from: period.from.to_string(),
        to: period.to.to_string(),
        calls: of.calls.calls,
        finished: of.calls.finished,
        failed: of.calls.failed,
        attempts: of.attempts.chains,
        first_try: of.attempts.first_share(),
    }
}

impl From<q::CatalogRow> for CatalogObject {
    fn from(c: q::CatalogRow) -> Self {
        let affected = |a: q::Affected| AffectedObject {
            tool: a.tool,
            checked: a.checked,
            failing: a.failing,
            sessions: a.sessions,
            people: a.people,
        };
        Self {
            hash: c.hash,
            first_seen: c.first_seen.to_string(),
            last_seen: c.last_seen.to_string(),
            sessions: c.sessions,
            listings: c.listings,
            servers: c.servers.into_iter().map(Into::into).collect(),
            clients: c.clients,
            tools: c.size.map(|s| s.tools),
            bytes: c.size.map(|s| s.bytes),
            tokens: c.size.map(|s| s.tokens),
            tokens_change: c.tokens_change,
            changes: c.changes.into_iter().map(Into::into).collect(),
            affected: c.affected.into_iter().map(affected).collect(),
            before: c.before,
            release: c.release.map(|r| ReleaseObject {
                after: around(r.since, &r.after),
                before: around(r.until, &r.before),
            }),
        }
    }
}

impl From<q::ArgumentCheck> for ArgumentCheckObject {
    fn from(c: q::ArgumentCheck) -> Self {
        let finding = |f: q::ArgumentFinding| ArgumentFindingObject {
            path: f.path,
            sort: f.sort.into(),
            what: f.what,
            calls: f.calls,
            failed: f.failed,
        };
        Self {
            checked: c.checked,
            wrong: c.wrong,
            findings: c.findings.into_iter().map(finding).collect(),
            calls: c.calls,
            uses: c.uses.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<q::UsedArgument> for UsedArgumentObject {
    fn from(u: q::UsedArgument) -> Self {
        let (mut values, mut lengths, mut range) = (None, None, None);
        match u.used.values {
            q::ArgumentValues::Few(few) => values = Some(few),
            q::ArgumentValues::Lengths(low, high) => lengths = Some((low, high)),
            q::ArgumentValues::Range(low, high) => range = Some((low, high)),
            q::ArgumentValues::Mixed => {}
        }
        Self {
            name: u.used.name,
            place: u.place.as_str(),
            sent: u.used.sent,
            invalid: u.invalid,
            types: u.used.types.into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect(),
            values,
            lengths,
            range,
        }
    }
}

impl WishObject {
    /// A wish of a project as an object.
    pub fn of(project: &str, wish: q::Wish) -> Self {
        let status = wish.note.as_ref().map(|n| n.status).unwrap_or_default();
        let (note, noted_by, noted_at) = match wish.note {
            Some(n) => (Some(n.note), Some(n.who), Some(n.at.to_string())),
            None => (None, None, None),
        };
        let event = EventObject::of(project, wish.event);
        let answered_since = wish.answer.as_ref().map(|a| a.since.to_string());
        let answered_by = wish.answer.map(|a| a.tool);
        let matter = wish.matter;
        let asked_again = wish.again.map(|again| again.wishes);
        let asked_again_at = wish.again.and_then(|again| again.newest).map(|at| at.to_string());
        let status = status.as_str().into();
        Self {
            event,
            status,
            note,
            noted_by,
            noted_at,
            asked_again,
            asked_again_at,
            answered_by,
            answered_since,
            matter,
        }
    }
}

impl From<q::Change> for ChangeObject {
    fn from(c: q::Change) -> Self {
        Self { grade: c.grade.as_str().into(), tool: c.tool, path: c.path, what: c.what }
    }
}
