//! `trackway person export|delete` (F-151): everything that is kept of one person, read out or taken out.
//!
//! Reading goes beside a running server. A deletion is done by whoever holds the ledgers: this command when no server runs, else
//! the server, which is asked through `trackway.db` and answers with the receipt.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;
use trackway_core::filter::{Condition, Filter};
use trackway_event::Timestamp;
use trackway_server::api::objects::{EventDetailObject, PersonDetailObject, SessionObject};
use trackway_store::query::{EventsAsk, PageAsk, Period, Protocol, Scope, SessionTab, SessionsAsk, TimeZone};
use trackway_store::sqlite::{SqliteOptions, SqliteStore};
use trackway_store::{Act, Project, Store, StoreError};

use super::audit;
use crate::args::{Global, Person};
use crate::config;
use crate::failure::{Exit, Failure, Result};
use crate::{output, secret};

/// How long a running server may take for a deletion.
const PATIENCE: Duration = Duration::from_secs(180);
/// Rows of one page.
const ROWS: usize = 100;

pub(super) fn run(global: &Global, verb: &Person) -> Result<()> {
    match verb {
        Person::Export { id, project } => export(global, project, id),
        Person::Delete { id, project, yes: true } => delete(global, project, id),
        Person::Delete { id, project, yes: false } => Err(Failure::new(Exit::Usage, "nothing was deleted")
            .why("deleting a person deletes their sessions and events for good")
            .next(format!("trackway person delete {} --project {project} --yes", output::harmless(id)))),
    }
}

fn export(global: &Global, project: &str, id: &str) -> Result<()> {
    super::control(global)?;
    let data = config::data_dir(&super::layers(global, vec![])?)?.path().clone();
    let options = SqliteOptions { read_deadline: PATIENCE, ..SqliteOptions::default() };
    let store = SqliteStore::open_beside(&data, options)?;
    let project = store.project(project)?.ok_or(StoreError::UnknownProject)?;
    let name = project.id.as_str();
    let person = store.person(project.key, id)?.ok_or_else(|| nobody(id))?;
    let mut out = std::io::stdout().lock();
    let mut line = |kind: &str, value: serde_json::Value| -> Result<()> {
        writeln!(out, "{}", json!({ kind: value })).map_err(|error| {
            Failure::new(Exit::Unreachable, "standard output cannot be written").why(error.to_string())
        })
    };
    let whole = |error: serde_json::Error| Failure::new(Exit::Data, error.to_string());
    line("person", serde_json::to_value(PersonDetailObject::of(name, person)).map_err(whole)?)?;
    let scope = scope_of(id)?;
    let mut page = PageAsk { after: None, limit: ROWS };
    loop {
        let ask =
            SessionsAsk { scope: scope.clone(), page, sort: Some("started".into()), tab: SessionTab::All };
        let found = store.sessions(project.key, &ask)?;
        for row in found.items {
            line("session", serde_json::to_value(SessionObject::of(name, row)).map_err(whole)?)?;
        }
        match found.next {
            Some(next) => page = PageAsk { after: Some(next), limit: ROWS },
            None => break,
        }
    }
    let mut page = PageAsk { after: None, limit: ROWS };
    loop {
        let ask = EventsAsk { scope: scope.clone(), page, protocol: Protocol::Shown };
        let found = store.events(project.key, &ask)?;
        for row in found.items {
            if let Some(detail) = store.event(project.key, row.id.as_str())? {
                line("event", serde_json::to_value(EventDetailObject::of(name, detail)).map_err(whole)?)?;
            }
        }
        match found.next {
            Some(next) => page = PageAsk { after: Some(next), limit: ROWS },
            None => break,
        }
    }
    audit::note(store.control(), audit::act(Act::PersonExport, "one person"), Some(&project))
}

fn delete(global: &Global, project: &str, id: &str) -> Result<()> {
    super::control(global)?;
    let data = config::data_dir(&super::layers(global, vec![])?)?.path().clone();
    let receipt = match SqliteStore::open(&data, SqliteOptions::default()) {
        Ok(store) => {
            let project = store.project(project)?.ok_or(StoreError::UnknownProject)?;
            ask_and_wait(store.control(), &project, id)?
        }
        Err(StoreError::Locked(_)) => {
            let control = super::control(global)?;
            let project = control.project(project)?.ok_or(StoreError::UnknownProject)?;
            ask_and_wait(&control, &project, id)?
        }
        Err(other) => return Err(other.into()),
    };
    output::json(&receipt)
}

/// Asks the process that holds the ledgers, which may be this one, and waits for its receipt.
fn ask_and_wait(
    control: &trackway_store::sqlite::ControlDb,
    project: &Project,
    id: &str,
) -> Result<serde_json::Value> {
    let work = format!("del_{}", secret::random_text(16)?);
    control.ask_erase(&work, project.id.as_str(), id, super::now())?;
    let begun = Instant::now();
    let answer = loop {
        if let Some(answer) = control.answer(&work)? {
            break answer;
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::new(Exit::Unreachable, "the deletion is not done yet")
                .why("the server has been asked and does it when it can")
                .next("trackway audit list, or the same command again: a second deletion finds nobody"));
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let receipt: serde_json::Value =
        serde_json::from_str(&answer).map_err(|error| Failure::new(Exit::Data, error.to_string()))?;
    if receipt["found"] != true {
        return Err(nobody(id));
    }
    audit::note(control, audit::act(Act::PersonDelete, &work), Some(project))?;
    Ok(receipt)
}

fn nobody(id: &str) -> Failure {
    Failure::new(Exit::Negative, format!("nobody here has the id {}", output::harmless(id)))
}

/// Everything of all times that is this person's.
fn scope_of(id: &str) -> Result<Scope> {
    let escaped = id.replace('\\', "\\\\").replace(':', "\\:");
    let condition = Condition::parse(&format!("person:eq:{escaped}"))
        .or_else(|_| Condition::parse(&format!("person:eq:{id}")))
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let filter = Filter { conditions: vec![condition], text: None };
    let period =
        Period { from: Timestamp::from_micros(0), to: super::now().plus_micros(366 * 86_400_000_000) };
    Ok(Scope { period, filter, zone: TimeZone::UTC })
}
