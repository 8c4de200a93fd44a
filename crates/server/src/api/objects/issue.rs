//! Error groups as a person works on them.

use serde::{Deserialize, Serialize};
use trackway_event::Timestamp;
use trackway_store::query as q;
use utoipa::ToSchema;

use super::{IssueObject, List};

/// Most days or failures that an archived group may wait for.
const MOST: u64 = 1_000_000;
/// Characters of a version.
const VERSION_CHARS: usize = 60;

/// What a person decided on a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionObject {
    /// In words: `resolved in version 2.0`, `archived until 5 more failures` …
    pub what: String,
    /// When.
    pub at: String,
    /// The newest server version known then.
    pub version: Option<String>,
}

/// A group that is shown as part of another.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueMemberObject {
    /// Number.
    pub id: u64,
    /// Title.
    pub title: String,
}

/// Something that was done to a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueNoteObject {
    /// Its number, to delete a comment by.
    pub id: u64,
    /// When.
    pub at: String,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// The words of a comment.
    pub comment: Option<String>,
}

/// A message of a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantObject {
    /// Word for word; empty where none was given.
    pub message: String,
    /// Failures with it.
    pub events: u64,
    /// The first of those looked at.
    pub first: String,
    /// The newest.
    pub last: String,
    /// The one group they are of, where several are shown as one; `null` where they are of more.
    pub group: Option<u64>,
}

/// A client that failures of a group named.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueClientObject {
    /// Its name, every version; `null` where they named none.
    pub name: Option<String>,
    /// Failures that named it.
    pub events: u64,
    /// The one group they are of, where several are shown as one; `null` where they are of more.
    pub group: Option<u64>,
}

/// A group and one that was taken out of it by hand: the other of the two.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApartObject {
    /// Its number.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// `message`, `alike` (messages that read like this one but for numbers and ids) or `client`.
    pub by: String,
    /// Which: the message, the normalised message, the client's name.
    pub value: String,
    /// Whether failures of before are still being moved.
    pub moving: bool,
}

/// The messages of a group in the period, among its newest failures.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantsObject {
    /// Most failures first.
    pub items: Vec<VariantObject>,
    /// How many different ones there are.
    pub distinct: u64,
    /// Failures looked at.
    pub looked_at: u64,
    /// The clients that those named, most failures first.
    pub clients: Vec<IssueClientObject>,
}

/// A circumstance over-represented in failures against successes of the same tool.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspectObject {
    /// `client`, `client version`, `server version`, `model` or `protocol`.
    pub what: String,
    /// Its value.
    pub value: String,
    /// Failing calls with it.
    pub failing_with: u64,
    /// Failing calls.
    pub failing: u64,
    /// Succeeding calls with it.
    pub working_with: u64,
    /// Succeeding calls.
    pub working: u64,
    /// How likely chance is.
    pub chance: f64,
}

/// Something first seen in the day before a group's first failure.
#[derive(Debug, Serialize, ToSchema)]
pub struct JustBeforeObject {
    /// `server version`, `client version` or `tool listing`.
    pub what: String,
    /// Which.
    pub value: String,
    /// When it was first seen.
    pub at: String,
}

/// Whether agents get past a failure.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecoveryObject {
    /// Attempts with it, in the newest sessions.
    pub attempts: u64,
    /// Of those, the ones that were solved.
    pub recovered: u64,
    /// Recovered ÷ attempts.
    pub share: Option<f64>,
    /// Calls until it worked, the median.
    pub tries: Option<u64>,
}

/// What the try after a failure changed, where agents got past it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MendedObject {
    /// Tries after it in attempts that were solved, in its newest sessions.
    pub tries: u64,
    /// Of those, the ones that sent the same again.
    pub same: u64,
    /// Arguments that the others changed, most often first.
    pub changes: Vec<MendObject>,
    /// Tools that were called instead, most often first.
    pub tools: Vec<InsteadObject>,
}

/// One argument that tries changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct MendObject {
    /// Its name, cut.
    pub name: String,
    /// `changed`, `added` or `left_out`.
    pub how: String,
    /// Tries that did it.
    pub tries: u64,
    /// Its value before, of the newest of those, as JSON and cut.
    pub from: Option<String>,
    /// Its value in that try.
    pub to: Option<String>,
}

/// A tool that was called in the place of the failing one.
#[derive(Debug, Serialize, ToSchema)]
pub struct InsteadObject {
    /// Name.
    pub tool: String,
    /// How often.
    pub tries: u64,
}

/// A page of error groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueListObject {
    /// The page.
    #[serde(flatten)]
    pub list: List<IssueObject>,
    /// What became of the attempts that met a group of the page; each counts once, whatever it met.
    pub recovery: RecoveryObject,
}

/// What to do to a group.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct IssueActBody {
    /// `resolve`, `resolve_in`, `resolve_next`, `archive`, `archive_until`, `archive_more`, `archive_escalating`, `reopen`,
    /// `merge`, `split`, `take_out`, `assign`, `comment`, `uncomment`, or `take_back` within a minute of one's own decision.
    pub act: String,
    /// For `resolve_in`: the version that mends it.
    pub version: Option<String>,
    /// For `archive_until`: RFC 3339.
    pub until: Option<String>,
    /// For `archive_more`: how many more failures.
    pub more: Option<u64>,
    /// For `merge`: the number of the group it is shown under from now on.
    pub into: Option<u64>,
    /// For `assign`: a member's name; `me` for whoever asks; empty for nobody.
    pub to: Option<String>,
    /// For `comment`: its words, at most 4,000 characters.
    pub words: Option<String>,
    /// For `uncomment`: the comment's number.
    pub comment: Option<u64>,
    /// For `take_out`: `message` or `client`. Failures with it, and later ones, become a group of their own.
    pub by: Option<String>,
    /// For `take_out`: which, as `variants` tells it.
    pub value: Option<String>,
}

impl IssueActBody {
    /// As the storage takes it.
    ///
    /// # Errors
    /// What is missing or cannot be read, in words.
    pub fn act(self, now: Timestamp) -> Result<q::IssueAct, String> {
        use q::{IssueAct, Rule};
        let version = || -> Result<String, String> {
            let version = self.version.as_deref().unwrap_or("").trim();
            let fits = !version.is_empty() && version.chars().count() <= VERSION_CHARS;
            let known = q::compare_versions(version, version).is_some();
            if fits && known { Ok(version.to_owned()) } else { Err("version is one such as 1.8.0".into()) }
        };
        let until = || -> Result<Timestamp, String> {
            let at = self.until.as_deref().and_then(Timestamp::parse);
            at.filter(|at| *at > now).ok_or_else(|| "until is a time to come, in RFC 3339".into())
        };
        let more =
            || self.more.filter(|n| (1..=MOST).contains(n)).ok_or("more is a number from 1 to 1000000");
        Ok(match self.act.as_str() {
            "resolve" => IssueAct::Decide(Rule::Resolved),
            "resolve_in" => IssueAct::Decide(Rule::ResolvedIn(version()?)),
            "resolve_next" => IssueAct::Decide(Rule::ResolvedNext),
            "archive" => IssueAct::Decide(Rule::Archived),
            "archive_until" => IssueAct::Decide(Rule::ArchivedUntil(until()?)),
            "archive_more" => IssueAct::Decide(Rule::ArchivedMore(more()?)),
            "archive_escalating" => IssueAct::Decide(Rule::ArchivedEscalating),
            "reopen" => IssueAct::Reopen,
            "merge" => IssueAct::MergeInto(self.into.ok_or("into is the number of another issue")?),
            "split" => IssueAct::Split,
            "take_out" => {
                let value = self.value.ok_or("value is the message or the client to take out")?;
                match self.by.as_deref() {
                    Some("message") => IssueAct::TakeOut(q::TakeOut::Message(value)),
                    Some("client") => IssueAct::TakeOut(q::TakeOut::Client(value)),
                    Some(_) | None => return Err("by is message or client".into()),
                }
            }
            "assign" => {
                let to = self.to.as_deref().map(str::trim).ok_or("to is a member's name, or empty")?;
                IssueAct::Assign((!to.is_empty()).then(|| to.to_owned()))
            }
            "comment" => IssueAct::Comment(
                self.words.filter(|w| !w.trim().is_empty()).ok_or("words are what you want to say")?,
            ),
            "uncomment" => {
                IssueAct::Uncomment(self.comment.ok_or("comment is the number of one")?, q::Whose::Own)
            }
            "take_back" => IssueAct::TakeBack,
            _ => {
                return Err(
                    "act is resolve, resolve_in, resolve_next, archive, archive_until, archive_more, \
                            archive_escalating, reopen, merge, split, take_out, assign, comment, uncomment or take_back"
                        .into(),
                );
            }
        })
    }
}

impl From<q::Decision> for DecisionObject {
    fn from(d: q::Decision) -> Self {
        Self { what: d.rule.to_string(), at: d.at.to_string(), version: d.version }
    }
}

impl From<q::IssueMember> for IssueMemberObject {
    fn from(m: q::IssueMember) -> Self {
        Self { id: m.id, title: m.title }
    }
}

impl From<q::IssueNote> for IssueNoteObject {
    fn from(n: q::IssueNote) -> Self {
        Self { id: n.id, at: n.at.to_string(), who: n.who, what: n.what, comment: n.comment }
    }
}

impl From<q::Variants> for VariantsObject {
    fn from(v: q::Variants) -> Self {
        let one = |v: q::Variant| VariantObject {
            message: v.message,
            events: v.events,
            first: v.first.to_string(),
            last: v.last.to_string(),
            group: v.group,
        };
        let client = |c: q::IssueClient| IssueClientObject { name: c.name, events: c.events, group: c.group };
        Self {
            items: v.items.into_iter().map(one).collect(),
            distinct: v.distinct,
            looked_at: v.looked_at,
            clients: v.clients.into_iter().map(client).collect(),
        }
    }
}

impl From<q::Mended> for MendedObject {
    fn from(m: q::Mended) -> Self {
        let change = |c: q::Mend| MendObject {
            name: c.name,
            how: c.how.as_str().into(),
            tries: c.tries,
            from: c.from,
            to: c.to,
        };
        Self {
            tries: m.tries,
            same: m.same,
            changes: m.changes.into_iter().map(change).collect(),
            tools: m.tools.into_iter().map(|(tool, tries)| InsteadObject { tool, tries }).collect(),
        }
    }
}

impl From<q::Apart> for ApartObject {
    fn from(a: q::Apart) -> Self {
        let (by, value) = a.by.parts();
        Self { id: a.id, title: a.title, by: by.into(), value: value.into(), moving: a.moving }
    }
}

impl From<q::Suspect> for SuspectObject {
    fn from(s: q::Suspect) -> Self {
        Self {
            what: s.what.into(),
            value: s.value,
            failing_with: s.counts.failing_with,
            failing: s.counts.failing,
            working_with: s.counts.working_with,
            working: s.counts.working,
            chance: s.chance,
        }
    }
}

impl From<q::JustBefore> for JustBeforeObject {
    fn from(b: q::JustBefore) -> Self {
        Self { what: b.what.into(), value: b.value, at: b.at.to_string() }
    }
}

impl From<q::Recovery> for RecoveryObject {
    fn from(r: q::Recovery) -> Self {
        let share = (r.attempts > 0).then(|| r.recovered as f64 / r.attempts as f64);
        Self { attempts: r.attempts, recovered: r.recovered, share, tries: r.tries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_by_case() {
        let now = Timestamp::parse("2026-03-02T12:00:00Z").unwrap();
        for (text, known) in [
            (r#"{"act":"resolve"}"#, true),
            (r#"{"act":"resolve_in","version":"1.8.0"}"#, true),
            (r#"{"act":"resolve_in","version":"soon"}"#, false),
            (r#"{"act":"resolve_in"}"#, false),
            (r#"{"act":"archive_until","until":"2026-03-03T00:00:00Z"}"#, true),
            (r#"{"act":"archive_until","until":"2026-03-01T00:00:00Z"}"#, false),
            (r#"{"act":"archive_more","more":0}"#, false),
            (r#"{"act":"archive_more","more":5}"#, true),
            (r#"{"act":"merge"}"#, false),
            (r#"{"act":"merge","into":3}"#, true),
            (r#"{"act":"take_out","by":"message"}"#, false),
            (r#"{"act":"take_out","by":"moon","value":"full"}"#, false),
            (r#"{"act":"take_out","by":"client","value":"zed"}"#, true),
            (r#"{"act":"assign"}"#, false),
            (r#"{"act":"assign","to":""}"#, true),
            (r#"{"act":"comment","words":" "}"#, false),
            (r#"{"act":"comment","words":"seen"}"#, true),
            (r#"{"act":"uncomment"}"#, false),
            (r#"{"act":"take_back"}"#, true),
            (r#"{"act":"delete"}"#, false),
            ("{}", false),
        ] {
            let body: IssueActBody = serde_json::from_str(text).unwrap();
            assert_eq!(body.act(now).is_ok(), known, "{text}");
        }
    }
}
