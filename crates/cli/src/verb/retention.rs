//! `trackway retention run [--dry-run]`: removes what is older than each project keeps it, as a server does every hour (F-150).

use std::time::Duration;

use serde_json::json;
use trackway_store::sqlite::{SqliteOptions, SqliteStore};
use trackway_store::{Act, Cutoffs, Expired, Store, StoreError};

use super::audit;
use crate::args::{Global, Retention};
use crate::config;
use crate::failure::{Exit, Failure, Result};
use crate::output;

/// How long one question of a dry run may take: it counts rows.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(global: &Global, verb: &Retention) -> Result<()> {
    let Retention::Run { dry_run, project, json } = verb;
    let data = config::data_dir(&super::layers(global, vec![])?)?.path().clone();
    let options = SqliteOptions { read_deadline: PATIENCE, ..SqliteOptions::default() };
    let store = if *dry_run {
        super::control(global)?;
        SqliteStore::open_beside(&data, options)?
    } else {
        SqliteStore::open(&data, options).map_err(|error| match error {
            StoreError::Locked(_) => Failure::new(Exit::Unreachable, "a server runs on this data")
                .why("it removes old data itself, half a minute after its start and then every hour")
                .next("trackway retention run --dry-run"),
            other => other.into(),
        })?
    };
    let control = store.control();
    let mut projects = control.projects()?;
    if let Some(id) = project {
        projects.retain(|p| p.id.as_str() == id || p.aliases.contains(id));
        if projects.is_empty() {
            return Err(StoreError::UnknownProject.into());
        }
    }
    let mut items = Vec::new();
    for project in &projects {
        let cutoffs = Cutoffs::of(&control.settings(project.key)?, super::now());
        let found = match (cutoffs.any(), dry_run) {
            (false, _) => Expired::default(),
            (true, true) => store.would_expire(project.key, &cutoffs)?,
            (true, false) => store.expire(project.key, &cutoffs)?,
        };
        if !dry_run && found != Expired::default() {
            let detail = format!("{} events, {} payloads", found.events, found.payloads);
            let act = audit::act(Act::RetentionRun, project.id.as_str()).detail(detail);
            audit::note(control, act, Some(project))?;
        }
        items.push((project.id.to_string(), found));
    }
    if *json {
        let items = items.iter().map(|(id, e)| {
            json!({ "project": id, "payloads": e.payloads, "events": e.events, "sessions": e.sessions,
                "people": e.people, "rollups": e.rollups, "dry_run": dry_run })
        });
        return output::json(&json!({ "items": items.collect::<Vec<_>>(), "next": null }));
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|(id, e)| {
            let numbers = [e.payloads, e.events, e.sessions, e.people, e.rollups];
            std::iter::once(id.clone()).chain(numbers.iter().map(u64::to_string)).collect()
        })
        .collect();
    output::table(&["PROJECT", "PAYLOADS", "EVENTS", "SESSIONS", "PEOPLE", "FIGURES"], &rows)
}
