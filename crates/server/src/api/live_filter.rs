//! Conditions on one event as it passes by, for the live feed: the same meaning as in the ledger, without it.

use trackway_core::filter::{Condition, Field, Filter, Op, pattern};
use trackway_event::{Kind, ProblemCode};
use trackway_store::query::EventRow;

use crate::problem::Problem;

/// Where a filter's conditions are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// By the row that passes by.
    ByRow,
    /// By the ledger, after each commit: what the row does not hold, such as traits and groups.
    ByLedger,
}

/// Where a filter is answered; refuses conditions on a whole session, which an event that passes by cannot answer.
///
/// # Errors
/// `bad_filter`, naming the field.
pub(super) fn check(filter: &Filter) -> Result<Answered, Problem> {
    let late = filter.conditions.iter().find(|c| {
        matches!(c.field, Field::Calls | Field::Errors | Field::Length | Field::Ending | Field::Signal)
    });
    let beyond = filter.conditions.iter().any(|c| {
        matches!(
            c.field,
            Field::Tag(_)
                | Field::Trait(_)
                | Field::Group(_)
                | Field::Prop(_)
                | Field::Transport
                | Field::Catalog
                | Field::Protocol
                | Field::Model
                | Field::Sdk
        )
    });
    match late {
        Some(condition) => Err(Problem::new(
            ProblemCode::BadFilter,
            format!("the live feed cannot be filtered by {}; use the list of events", condition.field),
        )),
        None if beyond => Ok(Answered::ByLedger),
        None => Ok(Answered::ByRow),
    }
}

/// Whether an event passes.
pub(super) fn matches(filter: &Filter, row: &EventRow) -> bool {
    filter.conditions.iter().all(|condition| holds(condition, row))
        && filter.text.as_ref().is_none_or(|text| has_words(row, text))
}

fn has_words(row: &EventRow, text: &str) -> bool {
    let actor = row.actor.as_ref().and_then(|a| a.name.as_deref());
    let error = row.error.as_ref().map(|e| e.message.as_str());
    let parts: Vec<&str> =
        [row.intent.as_deref(), error, row.tool.as_deref(), actor].into_iter().flatten().collect();
    let all = parts.join(" ").to_lowercase();
    text.to_lowercase().split_whitespace().all(|word| all.contains(word))
}

fn holds(condition: &Condition, row: &EventRow) -> bool {
    let value = value_of(&condition.field, row);
    let first = condition.values.first().map(String::as_str).unwrap_or_default();
    let is = |wanted: &str| value.as_deref() == Some(wanted);
    let has = || value.as_ref().is_some_and(|v| v.to_lowercase().contains(&first.to_lowercase()));
    let number = || Some((value.as_ref()?.parse::<f64>().ok()?, first.parse::<f64>().ok()?));
    match condition.op {
        Op::Eq => is(first),
        Op::Ne => !is(first),
        Op::In => condition.values.iter().any(|v| is(v)),
        Op::Nin => !condition.values.iter().any(|v| is(v)),
        Op::Has => has(),
        Op::Nhas => !has(),
        Op::Re => pattern(first).is_ok_and(|p| value.as_ref().is_some_and(|v| p.is_match(v))),
        Op::Gt => number().is_some_and(|(a, b)| a > b),
        Op::Gte => number().is_some_and(|(a, b)| a >= b),
        Op::Lt => number().is_some_and(|(a, b)| a < b),
        Op::Lte => number().is_some_and(|(a, b)| a <= b),
        Op::Set => value.is_some(),
        Op::Unset => value.is_none(),
    }
}

fn value_of(field: &Field, row: &EventRow) -> Option<String> {
    let peer = |peer: &Option<trackway_event::Peer>| peer.clone();
    match field {
        Field::Kind => Some(row.kind.as_str().into()),
        Field::Status => row.status.map(|s| s.as_str().into()),
        Field::Method => Some(row.name.clone()).filter(|n| !n.is_empty()),
        Field::Failed => {
            let counts = !row.flags.nested && !row.flags.declared_error;
            Some((counts && row.status.is_some_and(|s| s.failed())).to_string())
        }
        Field::Tool => row.tool.clone(),
        Field::Resource => row.resource.clone(),
        Field::Prompt => row.resource.clone().filter(|_| row.kind == Kind::PromptGet),
        Field::Custom => row.resource.clone().filter(|_| row.kind == Kind::Custom),
        Field::UnknownTool => Some(row.flags.unknown_tool.to_string()),
        Field::Class => row.error.as_ref().map(|e| e.class.as_str().into()),
        Field::Issue => row.error.as_ref().and_then(|e| e.issue).map(|i| i.to_string()),
        Field::Error => row.error.as_ref().map(|e| e.message.clone()),
        Field::Client | Field::ClientRaw => peer(&row.client).map(|p| p.name.into()),
        Field::ClientVersion => peer(&row.client).and_then(|p| p.version).map(Into::into),
        Field::Server => peer(&row.server).map(|p| p.name.into()),
        Field::ServerVersion => peer(&row.server).and_then(|p| p.version).map(Into::into),
        Field::Input => Some(row.input.as_str().into()),
        Field::Capture => row.capture.map(|c| c.as_str().into()),
        Field::Person => row.actor.as_ref().map(|a| a.id.to_string()),
        Field::Identified => Some(row.actor.is_some().to_string()),
        Field::Session => row.session_id.as_ref().map(|s| s.to_string()),
        Field::SessionSource => row.session_source.map(|s| s.as_str().into()),
        Field::Intent => row.intent.clone(),
        Field::IntentSource => row.intent_source.map(|s| s.as_str().into()),
        Field::Duration => row.duration_us.map(|us| (us as f64 / 1_000.0).to_string()),
        Field::BytesIn => row.bytes_in.map(|n| n.to_string()),
        Field::BytesOut => row.bytes_out.map(|n| n.to_string()),
        Field::Tokens => row
            .tokens
            .as_ref()
            .map(|t| (u64::from(t.input.unwrap_or(0)) + u64::from(t.output.unwrap_or(0))).to_string()),
        // `check` refused these, or left them to the ledger.
        Field::Calls
        | Field::Errors
        | Field::Length
        | Field::Tag(_)
        | Field::Trait(_)
        | Field::Group(_)
        | Field::Prop(_)
        | Field::Transport
        | Field::Catalog
        | Field::Ending
        | Field::Signal
        | Field::Protocol
        | Field::Model
        | Field::Sdk => None,
    }
}
