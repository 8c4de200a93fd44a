//! [`SqliteStore`]: the [`Store`] over one data directory. Routes every question to `trackway.db` or to a project's
//! ledger, and runs the helper that writes counts, moves logs and removes deleted projects.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use tokio::sync::broadcast;
use trackway_core::filter::Filter;
use trackway_event::{Event, SessionId, Timestamp};

use super::commit::split;
use super::control::hold;
use super::erase::{self, Whom};
use super::fault::at;
use super::helper::receipt;
use super::project::Project;
use super::{ControlDb, SqliteOptions, expire, hand, identity, joined, open, read, work};
use crate::access::{Audit, AuditAsk, Login, Member, MemberKey, NewAudit, Role};
use crate::query::*;
use crate::{
    Committed, Cutoffs, Erased, Expired, Intake, NewProject, NewQuarantined, NewToken, NewView, ProjectKey,
    Quarantined, QuarantinedBody, Receipt, Result, Store, StoreError, StoreHealth, Tally, Token, View,
    ViewKey,
};

/// The embedded backend.
pub struct SqliteStore {
    inner: Arc<Inner>,
    helper: Mutex<Option<JoinHandle<()>>>,
}

pub(super) struct Inner {
    pub(super) dir: PathBuf,
    pub(super) options: SqliteOptions,
    pub(super) control: ControlDb,
    pub(super) open: RwLock<HashMap<ProjectKey, Arc<Project>>>,
    pub(super) fsync_us: u64,
    pub(super) closed: AtomicBool,
    pub(super) stop: (Mutex<bool>, Condvar),
    /// Held by whoever lets ledgers follow their rules: an older look at the settings never comes last.
    pub(super) following: Mutex<()>,
    /// Held while the store lives; the operating system frees it with the process. `None`: only reads, beside a server.
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens a data directory for serving: makes it when it is missing (its parent must exist), locks it, brings its
    /// files up to date and checks that none is newer or damaged.
    pub fn open(dir: &Path, options: SqliteOptions) -> Result<Arc<Self>> {
        open::data_dir(dir)?;
        let lock = open::lock(dir)?;
        let control = ControlDb::open(dir)?;
        projects_of(dir)?;
        let fsync_us = open::measure_fsync(dir).map_err(|e| unusable(dir, &e))?;
        if fsync_us < super::FSYNC_IMPLAUSIBLE_US {
            tracing::warn!(
                fsync_us,
                "the disk answers faster than it can write; a power loss may lose stored events"
            );
        } else if fsync_us > super::FSYNC_SLOW_US {
            tracing::warn!(
                fsync_us,
                "the disk is slow to keep what is written; every answer to ingest waits for it"
            );
        }
        let inner = Arc::new(Inner {
            dir: dir.into(),
            options,
            control,
            open: RwLock::default(),
            fsync_us,
            closed: AtomicBool::new(false),
            stop: (Mutex::new(false), Condvar::new()),
            following: Mutex::default(),
            _lock: Some(lock),
        });
        for project in inner.control.projects()? {
            inner.ledger(project.key)?;
        }
        // Deletions that a restore has to repeat come before any question.
        if let Err(error) = inner.do_asked() {
            tracing::warn!(%error, "work that was asked for could not be done; trying again");
        }
        let helped = inner.clone();
        let helper = std::thread::Builder::new().name("store-helper".into()).spawn(move || helped.help());
        let helper = helper.map_err(|e| StoreError::Backend(format!("cannot start a thread: {e}")))?;
        Ok(Arc::new(Self { inner, helper: Mutex::new(Some(helper)) }))
    }

    /// Opens a data directory to read it, without the lock: for verbs beside a running server. Nothing may be submitted.
    pub fn open_beside(dir: &Path, options: SqliteOptions) -> Result<Arc<Self>> {
        // Where no server has run yet there is none.
        projects_of(dir)?;
        let inner = Arc::new(Inner {
            dir: dir.into(),
            options,
            control: ControlDb::open(dir)?,
            open: RwLock::default(),
            fsync_us: 0,
            closed: AtomicBool::new(false),
            stop: (Mutex::new(false), Condvar::new()),
            following: Mutex::default(),
            _lock: None,
        });
        Ok(Arc::new(Self { inner, helper: Mutex::default() }))
    }

    /// The project's settings and the rest of `trackway.db`, for verbs that hold the lock themselves.
    pub fn control(&self) -> &ControlDb {
        &self.inner.control
    }

    /// Opens only `trackway.db` of a data directory, without the lock: for verbs beside a running server.
    pub fn open_control(dir: &Path) -> Result<ControlDb> {
        ControlDb::open(dir)
    }

    fn ask<T>(&self, project: ProjectKey, question: impl FnOnce(&read::Reader) -> Result<T>) -> Result<T> {
        self.inner.ledger(project)?.pool.ask(question)
    }

    /// Follows changed rules now, as the helper does every second.
    #[cfg(test)]
    pub(super) fn follow_rules(&self) -> Result<()> {
        self.inner.follow_rules()
    }

    fn now(&self) -> Timestamp {
        (self.inner.options.clock)()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Err(error) = self.inner.close(&self.helper) {
            tracing::error!(%error, "the storage did not close cleanly");
        }
    }
}

impl Inner {
    /// The open ledger of a living project.
    pub(super) fn ledger(&self, key: ProjectKey) -> Result<Arc<Project>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        // Asked every time: a project may have been deleted beside us.
        let known = self.control.project_of(key)?.ok_or(StoreError::UnknownProject)?;
        if let Some(project) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(project.clone());
        }
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(project) = open.get(&key) {
            return Ok(project.clone());
        }
        let project = Project::open(&known, self.folder(key), &self.options)?;
        open.insert(key, project.clone());
        Ok(project)
    }

    pub(super) fn folder(&self, key: ProjectKey) -> PathBuf {
        self.dir.join("projects").join(key.0.to_string())
    }

    pub(super) fn projects(&self) -> Vec<Arc<Project>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn close(&self, helper: &Mutex<Option<JoinHandle<()>>>) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        *hold(&self.stop.0) = true;
        self.stop.1.notify_all();
        if let Some(helper) = hold(helper).take()
            && helper.join().is_err()
        {
            tracing::error!("the storage's helper ended in a panic");
        }
        for project in self.projects() {
            project.close();
        }
        self.control.close()
    }
}

/// Makes the directory of the ledgers where it is missing.
fn projects_of(dir: &Path) -> Result<()> {
    let projects = dir.join("projects");
    if projects.is_dir() { Ok(()) } else { open::make_private_dir(&projects).map_err(|e| unusable(dir, &e)) }
}

pub(super) fn unusable(dir: &Path, error: &std::io::Error) -> StoreError {
    StoreError::DataDir {
        path: dir.into(),
        reason: format!("it cannot be written ({error}); check its owner and permissions"),
    }
}

impl Store for SqliteStore {
    fn submit(&self, project: ProjectKey, events: Vec<Event>, received_at: Timestamp) -> Result<Receipt> {
        self.inner.ledger(project)?.submit(events, received_at)
    }

    fn stored_since(&self, project: ProjectKey, at: Timestamp) -> Result<u64> {
        self.ask(project, |reader| read::stored_since(reader, at))
    }

    fn subscribe(&self, project: ProjectKey) -> Result<broadcast::Receiver<Arc<Committed>>> {
        Ok(self.inner.ledger(project)?.subscribe())
    }

    fn count(&self, counts: &[(Option<ProjectKey>, Tally)]) -> Result<()> {
        self.inner.control.count(counts);
        Ok(())
    }

    fn projects(&self) -> Result<Vec<crate::Project>> {
        let mut projects = self.inner.control.projects()?;
        for project in &mut projects {
            project.last_event_at = self.ask(project.key, read::last_event_at)?;
        }
        Ok(projects)
    }

    fn project(&self, id_or_alias: &str) -> Result<Option<crate::Project>> {
        self.inner.control.project(id_or_alias)
    }

    fn create_project(&self, new: NewProject, now: Timestamp) -> Result<crate::Project> {
        self.inner.control.create_project(&new, now)
    }

    fn delete_project(&self, project: ProjectKey, now: Timestamp) -> Result<()> {
        self.inner.control.delete_project(project, now)
    }

    fn add_alias(&self, project: ProjectKey, alias: &str) -> Result<()> {
        self.inner.control.add_alias(project, alias)
    }

    fn create_token(&self, new: NewToken, now: Timestamp) -> Result<Token> {
        self.inner.control.create_token(new, now)
    }

    fn tokens(&self, project: Option<ProjectKey>) -> Result<Vec<Token>> {
        self.inner.control.tokens(project)
    }

    fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool> {
        self.inner.control.revoke_token(id, now)
    }

    fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        self.inner.control.token_by_hash(hash, self.now())
    }

    fn create_login_link(&self, hash: &[u8; 32], expires_at: Timestamp) -> Result<()> {
        self.inner.control.create_login_link(hash, expires_at)
    }

    fn create_member_link(&self, member: MemberKey, hash: &[u8; 32], expires_at: Timestamp) -> Result<()> {
        self.inner.control.create_member_link(member, hash, expires_at)
    }

    fn use_login_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<MemberKey>> {
        self.inner.control.use_login_link(hash, now)
    }

    fn create_login(&self, hash: &[u8; 32], member: MemberKey, now: Timestamp) -> Result<()> {
        self.inner.control.create_login(hash, member, now)
    }

    fn touch_login(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Login>> {
        self.inner.control.touch_login(hash, now)
    }

    fn rotate_login(&self, old: &[u8; 32], new: &[u8; 32], now: Timestamp) -> Result<bool> {
        self.inner.control.rotate_login(old, new, now)
    }

    fn end_login(&self, hash: &[u8; 32]) -> Result<()> {
        self.inner.control.end_login(hash)
    }

    fn members(&self) -> Result<Vec<Member>> {
        self.inner.control.members()
    }

    fn add_member(&self, name: &str, role: Role, now: Timestamp) -> Result<Member> {
        self.inner.control.add_member(name, role, now)
    }

    fn remove_member(&self, member: MemberKey) -> Result<bool> {
        self.inner.control.remove_member(member)
    }

    fn set_role(&self, member: MemberKey, role: Role) -> Result<bool> {
        self.inner.control.set_role(member, role)
    }

    fn set_password(&self, member: MemberKey, hash: Option<&str>) -> Result<bool> {
        self.inner.control.set_password(member, hash)
    }

    fn password_of(&self, name: &str) -> Result<Option<(MemberKey, String)>> {
        self.inner.control.password_of(name)
    }

    fn settings(&self, project: ProjectKey) -> Result<BTreeMap<String, String>> {
        self.inner.control.settings(project)
    }

    fn set_setting(&self, project: ProjectKey, key: &str, value: Option<&str>) -> Result<()> {
        self.inner.control.set_setting(project, key, value)
    }

    fn views(&self, project: ProjectKey, reader: &str) -> Result<Vec<View>> {
        self.inner.control.views(project, reader)
    }

    fn save_view(&self, project: ProjectKey, new: &NewView, now: Timestamp) -> Result<View> {
        self.inner.control.save_view(project, new, now)
    }

    fn change_view(&self, project: ProjectKey, key: ViewKey, to: &NewView) -> Result<bool> {
        self.inner.control.change_view(project, key, to)
    }

    fn delete_view(&self, project: ProjectKey, key: ViewKey) -> Result<bool> {
        self.inner.control.delete_view(project, key)
    }

    fn note(&self, entry: NewAudit, now: Timestamp) -> Result<()> {
        self.inner.control.note(&entry, now)
    }

    fn audit(&self, ask: &AuditAsk) -> Result<Vec<Audit>> {
        self.inner.control.audit(ask)
    }

    fn quarantine(&self, entry: NewQuarantined, now: Timestamp) -> Result<()> {
        self.inner.control.quarantine(&entry, now)
    }

    fn quarantined(&self, limit: usize) -> Result<Vec<Quarantined>> {
        self.inner.control.quarantined(limit)
    }

    fn take_quarantined(&self, project_text: &str) -> Result<Vec<QuarantinedBody>> {
        self.inner.control.take_quarantined(project_text)
    }

    fn overview(&self, project: ProjectKey, ask: &OverviewAsk) -> Result<Overview> {
        self.ask(project, |reader| read::overview(reader, ask))
    }

    fn sessions(&self, project: ProjectKey, ask: &SessionsAsk) -> Result<Page<SessionRow>> {
        self.ask(project, |reader| read::sessions(reader, ask))
    }

    fn session_counts(&self, project: ProjectKey, period: Period) -> Result<SessionCounts> {
        self.ask(project, |reader| read::session_counts(reader, period))
    }

    fn has(&self, project: ProjectKey, thing: &Thing) -> Result<bool> {
        self.ask(project, |reader| read::has(reader, thing))
    }

    fn session_windows(&self, project: ProjectKey, id: &str, size: usize) -> Result<Vec<Window>> {
        self.ask(project, |reader| read::windows(reader, id, size))
    }

    fn shown_definition(&self, project: ProjectKey, event: &str) -> Result<Option<ShownDefinition>> {
        let ledger = self.inner.ledger(project)?;
        ledger.pool.ask(|reader| read::definition(reader, &ledger.id, event))
    }

    fn session(&self, project: ProjectKey, id: &str) -> Result<Option<SessionRow>> {
        self.ask(project, |reader| read::session(reader, id))
    }

    fn session_calls(&self, project: ProjectKey, id: &str) -> Result<Vec<WholeCall>> {
        self.ask(project, |reader| read::session_calls(reader, id))
    }

    fn session_events(&self, project: ProjectKey, id: &str, ask: &PageAsk) -> Result<Page<EventRow>> {
        self.ask(project, |reader| read::session_events(reader, id, ask))
    }

    fn events(&self, project: ProjectKey, ask: &EventsAsk) -> Result<Page<EventRow>> {
        self.ask(project, |reader| read::events(reader, ask))
    }

    fn event(&self, project: ProjectKey, id: &str) -> Result<Option<EventDetail>> {
        let ledger = self.inner.ledger(project)?;
        ledger.pool.ask(|reader| read::detail(reader, &ledger.id, id))
    }

    fn events_after(
        &self,
        project: ProjectKey,
        seq: u64,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<EventRow>> {
        self.ask(project, |reader| read::after(reader, seq, filter, limit))
    }

    fn export(&self, project: ProjectKey, ask: &ExportAsk) -> Result<Vec<Exported>> {
        let ledger = self.inner.ledger(project)?;
        ledger.pool.ask(|reader| read::export(reader, &ledger.id, ask))
    }

    fn tools(&self, project: ProjectKey, ask: &ToolsAsk) -> Result<Page<ToolRow>> {
        self.ask(project, |reader| read::tools(reader, ask))
    }

    fn tool(&self, project: ProjectKey, name: &str, scope: &Scope) -> Result<Option<ToolDetail>> {
        self.ask(project, |reader| read::tool(reader, name, scope))
    }

    fn issues(&self, project: ProjectKey, ask: &ListAsk, tab: IssueTab) -> Result<IssueList> {
        self.ask(project, |reader| read::issues(reader, ask, tab))
    }

    fn issue(&self, project: ProjectKey, id: u64, scope: &Scope) -> Result<Option<IssueDetail>> {
        self.ask(project, |reader| read::issue(reader, id, scope))
    }

    fn people(&self, project: ProjectKey, ask: &ListAsk) -> Result<Page<PersonRow>> {
        self.ask(project, |reader| read::people(reader, ask))
    }

    fn person(&self, project: ProjectKey, actor_id: &str) -> Result<Option<PersonDetail>> {
        self.ask(project, |reader| read::person(reader, actor_id))
    }

    fn set_merge(&self, project: ProjectKey, merge: u64, aside: Aside) -> Result<bool> {
        let ledger = self.inner.ledger(project)?;
        let Ok(row) = i64::try_from(merge) else { return Ok(false) };
        identity::change(&open::writable(&ledger.file, &open::LEDGER, 1_024)?, row, aside)
            .map_err(at(&ledger.file))
    }

    fn set_joined(&self, project: ProjectKey, later: &str, aside: Aside) -> Result<bool> {
        let ledger = self.inner.ledger(project)?;
        let conn = open::writable(&ledger.file, &open::LEDGER, 1_024)?;
        let changing = || {
            ledger.changes.fetch_add(1, Ordering::AcqRel);
        };
        joined::change(&conn, later, aside, changing).map_err(at(&ledger.file))
    }

    fn join_sessions(&self, project: ProjectKey, later: &str, earlier: &str) -> Result<bool> {
        let ledger = self.inner.ledger(project)?;
        let conn = open::writable(&ledger.file, &open::LEDGER, 1_024)?;
        let changing = || {
            ledger.changes.fetch_add(1, Ordering::AcqRel);
        };
        hand::join(&conn, later, earlier, changing).map_err(at(&ledger.file))
    }

    fn sessions_before(&self, project: ProjectKey, id: &str) -> Result<Vec<SessionBefore>> {
        self.ask(project, |reader| hand::before(&reader.conn, id))
    }

    fn siblings(&self, project: ProjectKey, id: &str) -> Result<Vec<SessionRow>> {
        self.ask(project, |reader| read::siblings(reader, id))
    }

    fn tracks_until(&self, project: ProjectKey, seqs: &[u64], most: usize) -> Result<Vec<TrackUntil>> {
        self.ask(project, |reader| read::tracks_until(reader, seqs, most))
    }

    fn split_session(&self, project: ProjectKey, event: &str, now: Timestamp) -> Result<Option<SessionId>> {
        let ledger = self.inner.ledger(project)?;
        let (name, event) = (ledger.id.clone(), event.to_owned());
        ledger.chore(move |conn| split(conn, &name, &event, now))
    }

    fn accounts(&self, project: ProjectKey, ask: &AccountsAsk) -> Result<Page<AccountRow>> {
        self.ask(project, |reader| read::accounts(reader, ask))
    }

    fn account(&self, project: ProjectKey, kind: &str, key: &str) -> Result<Option<AccountDetail>> {
        self.ask(project, |reader| read::account(reader, kind, key))
    }

    fn intents(&self, project: ProjectKey, scope: &Scope) -> Result<Intents> {
        self.ask(project, |reader| read::intents(reader, scope))
    }

    fn clients(&self, project: ProjectKey, scope: &Scope) -> Result<Vec<ClientRow>> {
        self.ask(project, |reader| read::clients(reader, scope))
    }

    fn ways(&self, project: ProjectKey, scope: &Scope, by: By) -> Result<Ways> {
        self.ask(project, |reader| read::ways(reader, scope, by))
    }

    fn act_on_issue(
        &self,
        project: ProjectKey,
        id: u64,
        act: &IssueAct,
        who: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let ledger = self.inner.ledger(project)?;
        let Ok(row) = i64::try_from(id) else { return Ok(false) };
        if let IssueAct::TakeOut(what) = act {
            return ledger.take_out(row, what, who, now);
        }
        let mut conn = open::writable(&ledger.file, &open::LEDGER, 1_024)?;
        work::on_issue(&mut conn, row, act, who, now).map_err(at(&ledger.file))
    }

    fn wishes(&self, project: ProjectKey, ask: &ListAsk) -> Result<Page<Wish>> {
        self.ask(project, |reader| read::wishes(reader, ask))
    }

    fn feedback(&self, project: ProjectKey, ask: &ListAsk) -> Result<Page<Said>> {
        self.ask(project, |reader| read::feedback(reader, ask))
    }

    fn set_wish(
        &self,
        project: ProjectKey,
        event: &str,
        status: WishStatus,
        note: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let ledger = self.inner.ledger(project)?;
        if !ledger.pool.ask(|reader| read::is_wish(reader, &ledger.id, event))? {
            return Ok(false);
        }
        let conn = open::writable(&ledger.file, &open::LEDGER, 1_024)?;
        work::on_wish(&conn, event, status, note, who, now).map_err(at(&ledger.file))?;
        Ok(true)
    }

    fn catalogs(&self, project: ProjectKey, scope: &Scope) -> Result<Catalogs> {
        self.ask(project, |reader| read::catalogs(reader, scope))
    }

    fn catalog_tools(&self, project: ProjectKey, hash: &str) -> Result<Option<String>> {
        self.ask(project, |reader| read::catalog_tools(reader, hash))
    }

    fn signals(&self, project: ProjectKey, scope: &Scope) -> Result<Signals> {
        self.ask(project, |reader| read::signals(reader, scope))
    }

    fn warnings(&self, project: ProjectKey, scope: &Scope) -> Result<Vec<Warning>> {
        self.ask(project, |reader| read::warnings(reader, scope))
    }

    fn intake(&self, project: Option<ProjectKey>) -> Result<Intake> {
        let mut intake = self.inner.control.tallied(project)?;
        let keys = match project {
            Some(key) => vec![key],
            None => self.inner.control.projects()?.into_iter().map(|p| p.key).collect(),
        };
        for key in keys {
            let known = self.ask(key, read::known)?;
            intake.stored += known.stored;
            intake.duplicates += known.duplicates;
        }
        Ok(intake)
    }

    fn health(&self) -> Result<StoreHealth> {
        if self.inner.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let mut health = StoreHealth {
            writable: true,
            bytes: self.inner.control.bytes(),
            free_bytes: (self.inner.options.free_bytes)(&self.inner.dir),
            fsync_us: self.inner.fsync_us,
            ..StoreHealth::default()
        };
        if health.free_bytes.is_some_and(|free| free < self.inner.options.free_floor) {
            health.reasons.push(StoreError::DiskFull(self.inner.dir.clone()).to_string());
        }
        let mut last = Vec::new();
        for project in self.inner.projects() {
            let (bytes, wal) = project.bytes();
            health.bytes += bytes;
            health.by_project.insert(project.key, bytes);
            health.wal_bytes += wal;
            health.queued += project.queue.len() as u64;
            health.commits += project.pace.commits();
            last.extend(project.pace.last());
            health.reasons.extend(project.queue.blocked());
        }
        last.sort_unstable();
        let at = |share: f64| {
            let place = (last.len() as f64 * share).ceil() as usize;
            last.get(place.saturating_sub(1)).copied().unwrap_or(0).into()
        };
        health.commit_us = (at(0.5), at(0.99));
        health.reasons.dedup();
        health.writable = health.reasons.is_empty();
        Ok(health)
    }

    fn erase_person(&self, project: ProjectKey, actor_id: &str, now: Timestamp) -> Result<Option<Erased>> {
        let name = self.inner.control.project_of(project)?.ok_or(StoreError::UnknownProject)?.id;
        let id = format!("del_{}_{}", now.micros(), erase::print_of(&name, actor_id).split_at(12).0);
        self.inner.control.ask_erase(&id, name.as_str(), actor_id, now)?;
        let erased = self.inner.erase(project, Whom::Id(actor_id.into()))?;
        let (answer, prints) = match &erased {
            Some(erased) => (receipt(erased, &id, name.as_str(), now), erased.prints.clone()),
            None => (serde_json::json!({ "found": false }).to_string(), Vec::new()),
        };
        self.inner.control.finish(&id, &answer, &prints, now)?;
        Ok(erased)
    }

    fn would_expire(&self, project: ProjectKey, cutoffs: &Cutoffs) -> Result<Expired> {
        self.ask(project, |reader| expire::count(&reader.conn, cutoffs))
    }

    fn payload_bytes_before(&self, project: ProjectKey, at: Timestamp) -> Result<u64> {
        self.ask(project, |reader| expire::payload_bytes(&reader.conn, at))
    }

    fn expire(&self, project: ProjectKey, cutoffs: &Cutoffs) -> Result<Expired> {
        self.inner.expire(project, cutoffs)
    }

    fn close(&self) -> Result<()> {
        self.inner.close(&self.helper)
    }
}
