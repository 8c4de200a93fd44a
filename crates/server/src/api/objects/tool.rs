//! Tools as objects: figures, and one looked at closely: who calls it, what for, calls worth opening, its definitions over time.
//! And what agents came for.

use serde::Serialize;
use trackway_store::query as q;
use utoipa::ToSchema;

use super::{
    ArgumentCheckObject, BucketObject, CallsObject, ChangeObject, ClientObject, EventObject, IssueObject,
    NeighboursObject, SightingObject, ToolSignalsObject, from::all,
};

/// Figures of one tool, resource or prompt.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolObject {
    /// Name; empty where the client named none.
    pub name: String,
    /// Figures.
    pub calls: CallsObject,
    /// Sessions that used it.
    pub sessions: Option<u64>,
    /// People who used it.
    pub people: Option<u64>,
    /// Latest call.
    pub last_at: Option<String>,
    /// The day of the first call ever, where data is older than that; in lists.
    pub first_at: Option<String>,
    /// What the newest calls tell; of tools.
    pub signals: Option<ToolSignalsObject>,
    /// Estimated tokens of the definition in the newest listing of the period; in lists.
    pub definition_tokens: Option<u64>,
    /// `listed`, or `unlisted` for a name that no listing has; `null` where it cannot be told.
    pub standing: Option<&'static str>,
    /// What the newest requests brought or filled; of resources and prompts, in lists.
    pub content: Option<ContentObject>,
}

/// What the newest reads of a resource brought, or gets of a prompt filled.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContentObject {
    /// Finished requests looked at.
    pub looked_at: u64,
    /// Media types, most often first.
    pub mime_types: Vec<CountedObject>,
    /// Bytes of one read, the median.
    pub bytes_p50: Option<u64>,
    /// The most that one read brought.
    pub bytes_max: Option<u64>,
    /// Arguments that were sent and not empty, most often filled first.
    pub filled: Vec<CountedObject>,
}

/// A name, and how often it came.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountedObject {
    /// Name.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// One tool in full.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolDetailObject {
    /// The tool.
    #[serde(flatten)]
    pub tool: ToolObject,
    /// Buckets.
    pub series: Vec<BucketObject>,
    /// First sights of server versions and tool listings in the period, at most 20.
    pub sightings: Vec<SightingObject>,
    /// Its error groups.
    pub issues: Vec<IssueObject>,
    /// Figures per client.
    pub clients: Vec<ClientObject>,
    /// Newest calls.
    pub samples: Vec<EventObject>,
    /// When it was last called, of all calls that are kept, whatever the period.
    pub last_ever: Option<String>,
    /// What comes before and after it.
    pub neighbours: NeighboursObject,
    /// The arguments of its newest calls against the schema that was shown.
    pub arguments: ArgumentCheckObject,
    /// What its newest calls tell one by one.
    pub closely: CloselyObject,
    /// Its definitions over time.
    pub story: ToolStoryObject,
}

/// What agents came for.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntentsObject {
    /// Matters, most calls first.
    pub items: Vec<IntentObject>,
    /// Logical calls looked at, the newest.
    pub calls: u64,
    /// Among them: with the agent's own words.
    pub given: u64,
    /// With the words of an earlier call.
    pub inherited: u64,
    /// With words taken from elsewhere.
    pub inferred: u64,
    /// The same bucket by bucket over the period.
    pub coverage: Vec<CoverageObject>,
    /// Set when not all of the period was looked at.
    pub partial: Option<String>,
}

/// How much is known, in one bucket, of why agents call.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageObject {
    /// Its start.
    pub start: String,
    /// Its end.
    pub end: String,
    /// Calls.
    pub calls: u64,
    /// With the agent's own words for this call.
    pub given: u64,
    /// With the words of an earlier call, or taken from elsewhere.
    pub inherited: u64,
}

/// Calls about one matter.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntentObject {
    /// The sentence most often said, word for word.
    pub phrase: String,
    /// Different sentences.
    pub phrases: u64,
    /// Logical calls.
    pub calls: u64,
    /// Calls that ended, well or not.
    pub finished: u64,
    /// Failed calls.
    pub failed: u64,
    /// Failed calls after which the same tool worked in the same session.
    pub recovered: u64,
    /// Sessions.
    pub sessions: u64,
    /// Tools the calls went to, most called first.
    pub tools: Vec<IntentToolObject>,
    /// Newest call.
    pub last_at: String,
    /// Its event.
    pub newest_event: String,
    /// Its session.
    pub newest_session: Option<String>,
}

/// A tool that calls about a matter went to.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntentToolObject {
    /// Tool; empty where the client named none.
    pub name: String,
    /// Calls.
    pub calls: u64,
}

/// Who calls a tool.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallerObject {
    /// The model's name or the person's id; `null`: nobody said.
    pub who: Option<String>,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Calls.
    pub calls: u64,
    /// Calls that ended, well or not.
    pub finished: u64,
    /// Of those, the failed ones.
    pub failed: u64,
}

/// A matter that a tool was called for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolIntentObject {
    /// The sentence most often said, word for word.
    pub phrase: String,
    /// Calls.
    pub calls: u64,
    /// Calls that ended, well or not.
    pub finished: u64,
    /// Of those, the failed ones.
    pub failed: u64,
}

/// A call worth opening.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExampleObject {
    /// `failed`, `slow`, `heavy` or `typical`.
    pub of: &'static str,
    /// The call.
    pub event: EventObject,
}

/// What the newest calls of a tool tell one by one.
#[derive(Debug, Serialize, ToSchema)]
pub struct CloselyObject {
    /// Calls looked at, the newest.
    pub calls: u64,
    /// Models by calls.
    pub models: Vec<CallerObject>,
    /// People by calls.
    pub people: Vec<CallerObject>,
    /// What agents came for, most calls first.
    pub intents: Vec<ToolIntentObject>,
    /// Different matters altogether.
    pub matters: u64,
    /// Calls worth opening, at most three of each sort.
    pub examples: Vec<ExampleObject>,
}

/// One definition of a tool.
#[derive(Debug, Serialize, ToSchema)]
pub struct DefinitionObject {
    /// Hash of the first listing with it.
    pub catalog: String,
    /// When that listing was first seen.
    pub first_seen: String,
    /// Estimated tokens.
    pub tokens: u64,
    /// What is different from the one before, the worst first.
    pub changes: Vec<ChangeObject>,
}

/// The same tool under another name.
#[derive(Debug, Serialize, ToSchema)]
pub struct RenamedObject {
    /// The other name.
    pub name: String,
    /// When the listing with the new name came.
    pub at: String,
    /// Calls under the other name in the period.
    pub calls: u64,
    /// Of those, the failed ones.
    pub failed: u64,
}

/// The definitions of a tool, of all time.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolStoryObject {
    /// What it says of itself, in the newest listing that has it.
    pub description: Option<String>,
    /// Each, the newest first.
    pub definitions: Vec<DefinitionObject>,
    /// When the first listing without it came, where none has it since.
    pub gone: Option<String>,
    /// The name it had before.
    pub was: Option<RenamedObject>,
    /// The name it went on under.
    pub became: Option<RenamedObject>,
}

impl CloselyObject {
    /// Of a project's tool.
    pub fn of(project: &str, told: q::Closely) -> Self {
        let model = |c: q::Caller<String>| caller(&c, c.who.clone(), None);
        let person = |c: q::Caller<q::ActorRef>| {
            let id = c.who.as_ref().map(|a| a.id.as_str().to_owned());
            caller(&c, id, c.who.as_ref().and_then(|a| a.name.clone()))
        };
        let example = |(of, row): (q::Example, q::EventRow)| ExampleObject {
            of: of.as_str(),
            event: EventObject::of(project, row),
        };
        let intent = |i: q::ToolIntent| ToolIntentObject {
            phrase: i.phrase,
            calls: i.calls,
            finished: i.finished,
            failed: i.failed,
        };
        Self {
            calls: told.calls,
            models: all(told.models, model),
            people: all(told.people, person),
            intents: all(told.intents, intent),
            matters: told.matters,
            examples: all(told.examples, example),
        }
    }
}

fn caller<N>(c: &q::Caller<N>, who: Option<String>, name: Option<String>) -> CallerObject {
    CallerObject { who, name, calls: c.calls, finished: c.finished, failed: c.failed }
}

impl From<q::ToolStory> for ToolStoryObject {
    fn from(story: q::ToolStory) -> Self {
        let definition = |d: q::Definition| DefinitionObject {
            catalog: d.catalog,
            first_seen: d.first_seen.to_string(),
            tokens: d.tokens,
            changes: all(d.changes, Into::into),
        };
        let renamed = |r: q::Renamed| RenamedObject {
            name: r.name,
            at: r.at.to_string(),
            calls: r.calls.calls,
            failed: r.calls.failed,
        };
        Self {
            description: story.description,
            definitions: all(story.definitions, definition),
            gone: story.gone.map(|at| at.to_string()),
            was: story.was.map(renamed),
            became: story.became.map(renamed),
        }
    }
}

impl From<q::Coverage> for CoverageObject {
    fn from(c: q::Coverage) -> Self {
        Self {
            start: c.start.to_string(),
            end: c.end.to_string(),
            calls: c.calls,
            given: c.given,
            inherited: c.inherited,
        }
    }
}

impl From<q::Content> for ContentObject {
    fn from(c: q::Content) -> Self {
        let counted = |(name, count): (String, u64)| CountedObject { name, count };
        Self {
            looked_at: c.looked_at,
            mime_types: all(c.mimes, counted),
            bytes_p50: c.bytes_p50,
            bytes_max: c.bytes_max,
            filled: all(c.filled, counted),
        }
    }
}
