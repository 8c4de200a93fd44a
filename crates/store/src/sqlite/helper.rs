//! The store's helper: what is done beside questions and commits, a little at a time on a thread of its own. Moves logs into their
//! files, writes counts, does what verbs beside this process asked for, removes what is old or deleted.

use std::collections::HashMap;
use std::fs;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::Connection;
use trackway_event::Timestamp;

use super::backend::{Inner, unusable};
use super::control::hold;
use super::erase::{self, Whom};
use super::project::Project;
use super::{expire, open, rules};
use crate::rules::Rules;
use crate::{Cutoffs, Erased, Expired, ProjectKey, Result};

/// How often the helper looks around.
const HELP: Duration = Duration::from_millis(100);
/// Rounds of the helper between two retention runs, an hour; the first comes half a minute after the start.
const RETENTION_ROUNDS: u32 = 36_000;
const RETENTION_FIRST: u32 = 300;
/// Log pages from which the helper moves a log into its file (8 MiB).
const MOVE_PAGES: u64 = 1_000;

impl Inner {
    /// The helper's thread.
    pub(super) fn help(&self) {
        let mut movers: HashMap<ProjectKey, Connection> = HashMap::new();
        let mut round = 0u32;
        loop {
            let (stop, wake) = &self.stop;
            let stopped = hold(stop);
            let (stopped, _) =
                wake.wait_timeout_while(stopped, HELP, |s| !*s).unwrap_or_else(PoisonError::into_inner);
            if *stopped {
                return;
            }
            drop(stopped);
            for project in self.projects() {
                project.pool.rest();
                if project.wal_pages() > MOVE_PAGES
                    && let Err(error) = move_log(&mut movers, &project)
                {
                    tracing::warn!(%error, project = project.key.0, "could not move the log into the ledger");
                    movers.remove(&project.key);
                }
            }
            round += 1;
            if round.is_multiple_of(10) {
                if let Err(error) = self.control.flush_tallies() {
                    tracing::warn!(%error, "could not write the counts of refused events");
                }
                if let Err(error) = self.do_asked() {
                    tracing::warn!(%error, "work that was asked for could not be done; trying again");
                }
                if let Err(error) = self.follow_rules() {
                    tracing::warn!(%error, "a setting could not be followed; trying again");
                }
                for project in self.projects() {
                    if let Err(error) = project.go_on_moving(&self.closed) {
                        tracing::warn!(%error, project = project.key.0, "failures of an issue could not be moved; trying again");
                    }
                }
                if round % RETENTION_ROUNDS == RETENTION_FIRST
                    && let Err(error) = self.expire_all()
                {
                    tracing::warn!(%error, "old data could not be removed; trying again in an hour");
                }
                if let Err(error) = self.remove_deleted(&mut movers) {
                    tracing::warn!(%error, "could not remove a deleted project");
                }
            }
        }
    }

    /// Does what verbs beside this process asked for.
    pub(super) fn do_asked(&self) -> Result<()> {
        for asked in self.control.waiting()? {
            let now = (self.options.clock)();
            let whom = match asked.actor {
                Some(actor) => Whom::Id(actor),
                None => Whom::Prints(asked.prints.clone()),
            };
            let erased = match self.control.project(&asked.project)? {
                Some(project) => self.erase(project.key, whom)?,
                None => None,
            };
            let answer = match &erased {
                Some(erased) => receipt(erased, &asked.id, &asked.project, now),
                None => serde_json::json!({ "found": false }).to_string(),
            };
            let prints = erased.map_or(asked.prints, |erased| erased.prints);
            self.control.finish(&asked.id, &answer, &prints, now)?;
            tracing::info!(deletion = asked.id, "a person's data was deleted");
        }
        Ok(())
    }

    pub(super) fn erase(&self, key: ProjectKey, whom: Whom) -> Result<Option<Erased>> {
        let ledger = self.ledger(key)?;
        let id = ledger.id.clone();
        let erased = ledger.chore(move |conn| erase::erase(conn, &id, &whom))?;
        let Some(mut erased) = erased else { return Ok(None) };
        for id in &erased.ids {
            erased.quarantined += self.control.forget_quarantined(id)?;
        }
        Ok(Some(erased))
    }

    /// Lets every ledger follow its project's rules on who is who.
    pub(super) fn follow_rules(&self) -> Result<()> {
        let _one_at_a_time = hold(&self.following);
        for project in self.projects() {
            let wanted = Rules::of(&self.control.settings(project.key)?);
            if *hold(&project.rules) == Some(wanted) {
                continue;
            }
            let mut more = !project.pool.ask(|reader| rules::read(&reader.conn))?.all(wanted);
            while more && !self.closed.load(Ordering::Acquire) {
                more = project.chore(move |conn| rules::step(conn, wanted))?;
            }
            if !more {
                *hold(&project.rules) = Some(wanted);
            }
        }
        Ok(())
    }

    /// Removes what is older than its project's settings keep it.
    fn expire_all(&self) -> Result<()> {
        for project in self.control.projects()? {
            let cutoffs = Cutoffs::of(&self.control.settings(project.key)?, (self.options.clock)());
            if cutoffs.any() {
                let removed = self.expire(project.key, &cutoffs)?;
                if removed != Expired::default() {
                    tracing::info!(project = project.key.0, ?removed, "old data was removed");
                }
            }
        }
        Ok(())
    }

    pub(super) fn expire(&self, key: ProjectKey, cutoffs: &Cutoffs) -> Result<Expired> {
        let ledger = self.ledger(key)?;
        let mut removed = Expired::default();
        loop {
            let cutoffs = *cutoffs;
            let stepped = ledger.chore(move |conn| expire::step(conn, &cutoffs))?;
            removed.add(stepped.removed);
            if !stepped.more || self.closed.load(Ordering::Acquire) {
                return Ok(removed);
            }
        }
    }

    /// Removes the files of projects that are marked deleted.
    fn remove_deleted(&self, movers: &mut HashMap<ProjectKey, Connection>) -> Result<()> {
        let deleted = self.control.deleted()?;
        if !deleted.is_empty() {
            // Nobody may open again what is being removed.
            self.control.forget_known();
        }
        for row in deleted {
            let key = ProjectKey(row);
            let open = self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
            if let Some(project) = open {
                project.close();
            }
            movers.remove(&key);
            match fs::remove_dir_all(self.folder(key)) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(unusable(&self.folder(key), &e)),
            }
            self.control.forget_project(row)?;
        }
        Ok(())
    }
}

fn move_log(movers: &mut HashMap<ProjectKey, Connection>, project: &Project) -> Result<()> {
    use std::collections::hash_map::Entry;
    let conn = match movers.entry(project.key) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(open::writable(&project.file, &open::LEDGER, 256)?),
    };
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(())
}

/// What whoever asked for a deletion is told.
pub(super) fn receipt(erased: &Erased, id: &str, project: &str, now: Timestamp) -> String {
    serde_json::json!({
        "found": true, "deletion": id, "project": project, "done_at": now.to_string(), "ids": erased.people,
        "sessions": erased.sessions, "events": erased.events, "made_anonymous": erased.anonymous,
        "quarantined_bodies": erased.quarantined, "prints": erased.prints,
        "kept": "anonymous counts of figures; names of tools and resources; backups made before",
    })
    .to_string()
}
