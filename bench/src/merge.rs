//! How soon a merge of two people is seen: two with many events each, then one event that says they are one, then the same
//! questions a page asks, and the undo. No event is rewritten, so the time should not grow with their number.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use trackway_event::identity::{Identity, Merge};
use trackway_event::{Actor, ActorId, Event, Kind, Outcome, ProjectId, SessionId, SessionSource, Timestamp};
use trackway_store::query::*;
use trackway_store::sqlite::{SqliteOptions, SqliteStore};
use trackway_store::{NewProject, ProjectKey, Store};

use crate::figures::thousands;
use crate::workload::Workload;

/// `merge`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Events of each of the two
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// Events of one session
    #[arg(long, default_value_t = 50)]
    session: usize,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let temp = tempfile::tempdir_in(".")?;
    let store = SqliteStore::open(temp.path(), SqliteOptions::default())?;
    let now = crate::ledger::now();
    let new = NewProject { id: ProjectId::parse("proj_merge")?, name: "merge".into(), demo: false };
    let project = store.create_project(new, now)?.key;
    let mut workload = Workload::new(7, now.plus_micros(-20 * 86_400_000_000), 1_000_000);
    for who in ["u_one", "u_two"] {
        let mut made = 0;
        while made < args.events {
            let mut batch = workload.batch(1_000);
            for event in &mut batch {
                let number = made / args.session.max(1);
                event.actor = Some(Box::new(actor(who)?));
                event.session_id = SessionId::foreign(&format!("ses_{who}_{number}"));
                event.session_source = Some(SessionSource::Given);
                made += 1;
            }
            stored(&store, project, batch, now)?;
        }
    }
    let period = Period { from: now.plus_micros(-30 * 86_400_000_000), to: now.plus_micros(60_000_000) };
    let scope = Scope { period, filter: Default::default(), zone: TimeZone::UTC };
    let ask = ListAsk { scope, page: PageAsk::default(), sort: None };
    let before = store.people(project, &ask)?.items.len();
    let mut last = workload.batch(1).pop().context("an event")?;
    last.kind = Kind::Alias;
    last.tool = None;
    last.actor = Some(Box::new(actor("u_one")?));
    let facts = Identity { alias: Some("u_two".into()), merge: Merge::Dangerous, ..Identity::default() };
    last.identity = Some(Box::new(facts));

    let begun = Instant::now();
    stored(&store, project, vec![last], now)?;
    let committed = begun.elapsed();
    let people = store.people(project, &ask)?.items.len();
    let detail = store.person(project, "u_two")?.context("the person")?;
    let seen = begun.elapsed();
    ensure!(people + 1 == before && detail.ids.len() == 2, "{before} people, then {people}");
    println!("events of each: {}", thousands(args.events as u64));
    println!("merge committed: {:.1} ms", committed.as_secs_f64() * 1e3);
    println!("merge seen in list and detail: {:.1} ms", seen.as_secs_f64() * 1e3);
    println!("calls of the one person: {}", thousands(detail.row.tool_calls));
    store.close()?;
    Ok(())
}

fn actor(id: &str) -> Result<Actor> {
    let (id, _) = ActorId::parse(id).context("an id")?;
    Ok(Actor { id, name: None, traits: serde_json::Map::new() })
}

fn stored(store: &SqliteStore, project: ProjectKey, batch: Vec<Event>, now: Timestamp) -> Result<()> {
    let outcomes = store.submit(project, batch, now)?.blocking_recv()??;
    ensure!(outcomes.iter().all(|o| *o == Outcome::Stored), "an event was not stored: {outcomes:?}");
    Ok(())
}
