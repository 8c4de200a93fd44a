//! `trackway audit list`, and how every other verb notes what it did.

use serde_json::json;
use trackway_store::sqlite::ControlDb;
use trackway_store::{Act, Audit as Noted, AuditAsk, NewAudit, Project};

use crate::args::{Audit, Global};
use crate::failure::Result;
use crate::output;

/// Most acts of one answer.
const MOST: usize = 10_000;

pub(super) fn run(global: &Global, verb: &Audit) -> Result<()> {
    let Audit::List { project, limit, json } = verb;
    let ask = AuditAsk { before: None, project: project.clone(), limit: (*limit).min(MOST) };
    let acts = super::control(global)?.audit(&ask)?;
    if *json {
        return output::json(&json!({ "items": acts.iter().map(as_json).collect::<Vec<_>>(), "next": null }));
    }
    let rows: Vec<Vec<String>> = acts
        .iter()
        .map(|act| {
            vec![
                act.at.to_string(),
                output::harmless(&act.actor),
                act.act.as_str().to_owned(),
                act.project.as_deref().map(output::harmless).unwrap_or_default(),
                output::harmless(&act.target),
                output::harmless(&act.detail),
            ]
        })
        .collect();
    output::table(&["AT", "WHO", "DID", "PROJECT", "TO", "DETAIL"], &rows)
}

/// An act of whoever runs this command.
pub(super) fn act(act: Act, target: &str) -> NewAudit {
    NewAudit::new("cli", act, target)
}

/// Notes an act, about a project where it is about one.
///
/// # Errors
/// When it cannot be written.
pub(super) fn note(control: &ControlDb, act: NewAudit, project: Option<&Project>) -> Result<()> {
    let act = match project {
        Some(project) => act.of(project.id.as_str()),
        None => act,
    };
    Ok(control.note(&act, super::now())?)
}

fn as_json(act: &Noted) -> serde_json::Value {
    json!({ "seq": act.seq, "at": act.at.to_string(), "actor": act.actor, "act": act.act.as_str(),
        "project": act.project, "target": act.target, "detail": act.detail })
}
