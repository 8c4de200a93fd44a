//! Signals as objects: what the newest calls tell, without a model.

use serde::Serialize;
use trackway_store::query as q;
use utoipa::ToSchema;

/// What became of attempt chains: tries of one thing that belong together.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptsObject {
    /// Chains.
    pub chains: u64,
    /// Solved by the first call.
    pub first_try: u64,
    /// Solved by the second.
    pub second_try: u64,
    /// Solved by a later one.
    pub later: u64,
    /// Never solved.
    pub unsolved: u64,
    /// With a failure in them.
    pub failing: u64,
    /// With a failure, and solved all the same.
    pub recovered: u64,
    /// First try ÷ chains.
    pub first_share: Option<f64>,
    /// Recovered ÷ failing.
    pub recovery_share: Option<f64>,
}

/// How heavy results are for who reads them.
#[derive(Debug, Serialize, ToSchema)]
pub struct WeightObject {
    /// Results whose size is known.
    pub results: u64,
    /// Median tokens.
    pub p50_tokens: Option<u64>,
    /// 95th percentile.
    pub p95_tokens: Option<u64>,
    /// The heaviest.
    pub max_tokens: u64,
    /// Results of 20,000 tokens or more: near the size at which clients cut.
    pub near_cap: u64,
}

/// What the newest calls of one tool tell.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolSignalsObject {
    /// Name; empty where the client named none.
    pub tool: String,
    /// Calls looked at.
    pub calls: u64,
    /// Chains that began with it.
    pub attempts: AttemptsObject,
    /// Calls that repeat an earlier one.
    pub repeats: u64,
    /// Sessions with a loop over it.
    pub looping_sessions: u64,
    /// Its results.
    pub weight: WeightObject,
}

/// What comes just before and after calls of a tool in the same session; an empty name is its beginning or end.
#[derive(Debug, Serialize, ToSchema)]
pub struct NeighboursObject {
    /// Tools before it with calls, most often first.
    pub before: Vec<(String, u64)>,
    /// Tools after it.
    pub after: Vec<(String, u64)>,
}

impl From<q::Neighbours> for NeighboursObject {
    fn from(n: q::Neighbours) -> Self {
        Self { before: n.before, after: n.after }
    }
}

/// A name that no tool has.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnknownToolObject {
    /// As it was called.
    pub name: String,
    /// Calls.
    pub calls: u64,
    /// Sessions.
    pub sessions: u64,
    /// The nearest name of a real tool.
    pub nearest: Option<String>,
}

/// Sessions by how they ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndingObject {
    /// `done`, `partial`, `failed`, `stuck` or `idle`.
    pub ending: String,
    /// Sessions.
    pub sessions: u64,
}

/// What the newest calls of a scope tell.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignalsObject {
    /// Calls looked at.
    pub calls: u64,
    /// Sessions they are in.
    pub sessions: u64,
    /// Attempt chains.
    pub attempts: AttemptsObject,
    /// Calls that repeat an earlier one.
    pub repeats: u64,
    /// Sessions with a loop.
    pub looping_sessions: u64,
    /// Sessions by ending.
    pub endings: Vec<EndingObject>,
    /// Sessions in which a call worked.
    pub successful_sessions: u64,
    /// Which call it was, the median.
    pub first_success_call: Option<u64>,
    /// How long after the first call it was done, the median.
    pub first_success_ms: Option<f64>,
    /// Calls by language model, most first; last, with `null`, those that did not say.
    pub models: Vec<MixedObject>,
    /// Calls by revision of the protocol.
    pub protocols: Vec<MixedObject>,
    /// Per tool.
    pub tools: Vec<ToolSignalsObject>,
    /// Names without a tool.
    pub unknown_tools: Vec<UnknownToolObject>,
    /// Present when not every call was looked at: what is missing.
    pub partial: Option<String>,
}

/// Calls that said the same of themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct MixedObject {
    /// What they said.
    pub name: Option<String>,
    /// Calls.
    pub calls: u64,
}

/// What is wrong with the data itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct WarningObject {
    /// `fragmented`, `shared_id`, `id_per_session` or `placeholder_id`.
    pub kind: String,
    /// What, and what to do.
    pub detail: String,
}

impl From<q::Attempts> for AttemptsObject {
    fn from(a: q::Attempts) -> Self {
        Self {
            chains: a.chains,
            first_try: a.first,
            second_try: a.second,
            later: a.later,
            unsolved: a.unsolved(),
            failing: a.failing,
            recovered: a.recovered,
            first_share: a.first_share(),
            recovery_share: a.recovery_share(),
        }
    }
}

impl From<q::Weight> for WeightObject {
    fn from(w: q::Weight) -> Self {
        Self {
            results: w.results,
            p50_tokens: w.p50,
            p95_tokens: w.p95,
            max_tokens: w.max,
            near_cap: w.near_cap,
        }
    }
}

impl From<q::ToolSignals> for ToolSignalsObject {
    fn from(t: q::ToolSignals) -> Self {
        Self {
            tool: t.tool,
            calls: t.calls,
            attempts: t.attempts.into(),
            repeats: t.repeats,
            looping_sessions: t.looping,
            weight: t.weight.into(),
        }
    }
}

impl From<q::Signals> for SignalsObject {
    fn from(s: q::Signals) -> Self {
        let ending =
            |(ending, sessions): (q::Ending, u64)| EndingObject { ending: ending.as_str().into(), sessions };
        let unknown = |u: q::UnknownTool| UnknownToolObject {
            name: u.name,
            calls: u.calls,
            sessions: u.sessions,
            nearest: u.nearest,
        };
        let mixed = |m: q::Mixed| MixedObject { name: m.name, calls: m.calls };
        Self {
            calls: s.calls,
            sessions: s.sessions,
            attempts: s.attempts.into(),
            repeats: s.repeats,
            looping_sessions: s.looping,
            endings: s.endings.into_iter().map(ending).collect(),
            successful_sessions: s.successful,
            first_success_call: s.first_success_call,
            first_success_ms: s.first_success_us.map(|us| us as f64 / 1_000.0),
            models: s.models.into_iter().map(mixed).collect(),
            protocols: s.protocols.into_iter().map(mixed).collect(),
            tools: s.tools.into_iter().map(Into::into).collect(),
            unknown_tools: s.unknown.into_iter().map(unknown).collect(),
            partial: s.partial,
        }
    }
}

impl From<q::Warning> for WarningObject {
    fn from(w: q::Warning) -> Self {
        let kind = match &w {
            q::Warning::Fragmented { .. } => "fragmented",
            q::Warning::SharedId { .. } => "shared_id",
            q::Warning::IdPerSession { .. } => "id_per_session",
            q::Warning::Placeholder { .. } => "placeholder_id",
        };
        Self { kind: kind.into(), detail: w.to_string() }
    }
}
