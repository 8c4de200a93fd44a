//! The steps of a replay: which rows are shown, how retries hang together, what changed from try to try.
//!
//! A fold over the rows of one session; attempt chains are core's (product §2). Called by the replay's view and handler.

use std::collections::BTreeMap;

use trackway_core::chain::{self, CallView, Solved};
use trackway_event::{Kind, Status};
use trackway_store::query::{EventRow, Mark};

/// How a row belongs to a chain of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    /// From 1.
    pub number: usize,
    /// How many the chain has.
    pub of: usize,
    /// Row of the try before.
    pub before: Option<usize>,
    /// Whether the chain was solved in the end.
    pub solved: bool,
    /// Whether it went to another tool.
    pub switched: bool,
}

/// Which rows are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listings {
    /// Listings and handshakes are left out.
    Hidden,
    /// They are shown.
    Shown,
}

/// The places of the rows to show, in order.
pub(crate) fn shown(rows: &[EventRow], listings: Listings, selected: Option<&str>) -> Vec<usize> {
    rows.iter()
        .enumerate()
        .filter(|(_, r)| {
            listings == Listings::Shown || !is_listing(r.kind) || Some(r.id.as_str()) == selected
        })
        .map(|(i, _)| i)
        .collect()
}

/// The shown rows in runs to draw: most alone; calls of one tool that follow each other within a minute, all worked and none
/// part of a chain of attempts, together where they are at least `from`.
pub(crate) fn bursts(
    rows: &[EventRow],
    shown: &[usize],
    tries: &BTreeMap<usize, Try>,
    from: usize,
) -> Vec<Vec<usize>> {
    let plain = |i: usize| {
        rows.get(i).filter(|r| {
            r.kind == Kind::ToolCall && r.status == Some(Status::Ok) && tries.get(&i).is_none_or(|t| t.of < 2)
        })
    };
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for i in shown {
        let before = runs.last().and_then(|run| plain(*run.last()?));
        let joins = before.zip(plain(*i)).is_some_and(|(a, b)| {
            a.tool.is_some() && a.tool == b.tool && b.started_at.since(a.started_at) <= 60_000_000
        });
        match runs.last_mut().filter(|_| joins) {
            Some(run) => run.push(*i),
            None => runs.push(vec![*i]),
        }
    }
    let apart = |run: Vec<usize>| -> Vec<Vec<usize>> {
        if run.len() >= from { vec![run] } else { run.into_iter().map(|i| vec![i]).collect() }
    };
    runs.into_iter().flat_map(apart).collect()
}

/// What the rows of a run have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Nothing: a row of its own.
    Alone,
    /// Calls of one tool in a row that all worked.
    Burst,
    /// The tries of one chain, with nothing between them.
    Chain,
}

/// Rows that are drawn together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Why.
    pub sort: Folded,
    /// Their places.
    pub rows: Vec<usize>,
}

/// The shown rows in runs to draw: chains of attempts whose tries follow each other, bursts of at least `from`, and the rest
/// alone.
pub(crate) fn runs(
    rows: &[EventRow],
    shown: &[usize],
    tries: &BTreeMap<usize, Try>,
    from: usize,
) -> Vec<Run> {
    let mut out = Vec::new();
    let mut rest: Vec<usize> = Vec::new();
    let mut at = 0;
    let apart = |rest: &mut Vec<usize>, out: &mut Vec<Run>| {
        for run in bursts(rows, &std::mem::take(rest), tries, from) {
            let sort = if run.len() > 1 { Folded::Burst } else { Folded::Alone };
            out.push(Run { sort, rows: run });
        }
    };
    while let Some(i) = shown.get(at) {
        let of = chain_at(shown, tries, at);
        if of > 1 {
            apart(&mut rest, &mut out);
            out.push(Run { sort: Folded::Chain, rows: shown.iter().skip(at).take(of).copied().collect() });
            at += of;
        } else {
            rest.push(*i);
            at += 1;
        }
    }
    apart(&mut rest, &mut out);
    out
}

/// Whether there is a chain to fold.
pub(crate) fn folds(rows: &[EventRow], shown: &[usize]) -> bool {
    let tries = tries(rows);
    (0..shown.len()).any(|at| chain_at(shown, &tries, at) > 1)
}

/// How many tries of one chain begin at this place of the shown rows and follow each other to its end; 0 where none does.
fn chain_at(shown: &[usize], tries: &BTreeMap<usize, Try>, at: usize) -> usize {
    let Some(first) = shown.get(at).and_then(|i| tries.get(i)).filter(|t| t.number == 1) else { return 0 };
    let follows = (1..first.of).all(|n| {
        let (before, here) = (shown.get(at + n - 1), shown.get(at + n).and_then(|i| tries.get(i)));
        here.is_some_and(|t| t.number == n + 1 && t.before.as_ref() == before)
    });
    if follows { first.of } else { 0 }
}

/// Listings and handshakes, hidden by default.
pub(crate) const fn is_listing(kind: Kind) -> bool {
    match kind {
        Kind::ToolsList
        | Kind::Initialize
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Protocol
        | Kind::Discover => true,
        Kind::ToolCall
        | Kind::ResourceRead
        | Kind::PromptGet
        | Kind::Completion
        | Kind::Identify
        | Kind::MissingCapability
        | Kind::Feedback
        | Kind::Exception
        | Kind::Custom
        | Kind::Alias
        | Kind::GroupIdentify
        | Kind::PersonUpdate => false,
    }
}

/// Chains of more than one try, by row.
pub(crate) fn tries(rows: &[EventRow]) -> BTreeMap<usize, Try> {
    let calls: Vec<usize> = (0..rows.len()).filter(|i| rows.get(*i).is_some_and(is_call)).collect();
    let views: Vec<CallView<'_>> = calls
        .iter()
        .filter_map(|i| rows.get(*i))
        .map(|r| CallView {
            tool: r.tool.as_deref().unwrap_or(""),
            started_at: r.started_at,
            duration_us: r.duration_us,
            status: r.status,
            // Chains look at what became of calls, not at what they said.
            repeat: None,
        })
        .collect();
    let mut out = BTreeMap::new();
    for chain in chain::chains(&views).iter().filter(|c| c.calls.len() > 1) {
        let places: Vec<usize> = chain.calls.iter().filter_map(|c| calls.get(*c).copied()).collect();
        for (n, place) in places.iter().enumerate() {
            let before = n.checked_sub(1).and_then(|b| places.get(b).copied());
            let tool = |i: usize| rows.get(i).and_then(|r| r.tool.as_deref());
            let switched = before.is_some_and(|b| tool(b) != tool(*place));
            out.insert(
                *place,
                Try {
                    number: n + 1,
                    of: places.len(),
                    before,
                    solved: chain.solved == Solved::Yes,
                    switched,
                },
            );
        }
    }
    out
}

/// The marks of the track, one per shown row.
pub(crate) fn marks(rows: &[EventRow], shown: &[usize]) -> Vec<Mark> {
    shown
        .iter()
        .filter_map(|i| rows.get(*i))
        .map(|r| Mark {
            kind: r.kind,
            status: if is_failure(r) { r.status } else { r.status.filter(|s| !s.failed()) },
            started_at: r.started_at,
            duration_us: r.duration_us,
        })
        .collect()
}

/// Whether a row counts as a failure.
pub(crate) fn is_failure(row: &EventRow) -> bool {
    row.status.is_some_and(Status::failed) && !row.flags.declared_error
}

/// The step that is looked at first: the first failure, else the first step.
pub(crate) fn first(rows: &[EventRow], shown: &[usize]) -> Option<usize> {
    let failed = shown.iter().copied().find(|i| rows.get(*i).is_some_and(is_failure));
    failed.or_else(|| shown.first().copied())
}

fn is_call(row: &EventRow) -> bool {
    row.kind == Kind::ToolCall
        && !row.flags.nested
        && !row.flags.mrtr_open
        && row.status != Some(Status::InputRequired)
}
