//! Trackway's storage: what can be asked of it (the [`Store`] trait and [`query`]) and the embedded SQLite backend.
//!
//! Callers speak in typed questions and batches of events, never in SQL, row ids of a backend or files
//! (`ARCHITECTURE.md` §4). Every method blocks: async callers go through their runtime's blocking pool, but for
//! [`Store::submit`], which only queues.

pub mod access;
#[cfg(test)]
mod conformance;
pub mod control;
pub mod error;
pub mod query;
pub mod removal;
pub mod rules;
pub mod sqlite;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{broadcast, oneshot};
use trackway_core::filter::Filter;
use trackway_event::{Event, Outcome, SessionId, Timestamp};

pub use access::*;
pub use control::*;
pub use error::StoreError;
use query::*;
pub use removal::*;
pub use rules::{LinkSessions, Rules};
pub use sqlite::{ControlDb, SqliteOptions, SqliteStore};

/// What every method answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The answer to a submitted batch: one outcome per event in order, after the commit that holds them was made durable.
pub type Receipt = oneshot::Receiver<Result<Vec<Outcome>>>;

/// A storage backend. One instance serves every project; rows of one project are never visible through another (INV-06).
pub trait Store: Send + Sync + 'static {
    // -- ingest --------------------------------------------------------------------------------------------------

    /// Queues events of one project for its writer and answers after the group commit (D2). The events have passed
    /// [`trackway_event::validate::cap`]. Fails at once with [`StoreError::Overloaded`] when the queue is full and
    /// [`StoreError::DiskFull`] while there is no room; neither has stored anything.
    fn submit(&self, project: ProjectKey, events: Vec<Event>, received_at: Timestamp) -> Result<Receipt>;

    /// The feed of committed events of one project; a slow reader loses the oldest and learns how many.
    fn subscribe(&self, project: ProjectKey) -> Result<broadcast::Receiver<Arc<Committed>>>;

    /// Adds to the counts of what became of received events and bodies, kept per project (or none) and reason (INV-02).
    fn count(&self, counts: &[(Option<ProjectKey>, Tally)]) -> Result<()>;

    /// How many events were received at or after this time and stored, whatever was removed of them since. Imported events,
    /// which were received elsewhere, may count wrongly.
    fn stored_since(&self, project: ProjectKey, at: Timestamp) -> Result<u64>;

    // -- projects, tokens, sign-in -------------------------------------------------------------------------------

    /// Every project that is not being deleted.
    fn projects(&self) -> Result<Vec<Project>>;
    /// The project with this id or alias.
    fn project(&self, id_or_alias: &str) -> Result<Option<Project>>;
    /// Makes a project. [`StoreError::Conflict`] when the id or alias is taken.
    fn create_project(&self, new: NewProject, now: Timestamp) -> Result<Project>;
    /// Marks a project deleted; its rows are gone from every answer at once, its files soon after.
    fn delete_project(&self, project: ProjectKey, now: Timestamp) -> Result<()>;
    /// Makes `alias` another name of the project.
    fn add_alias(&self, project: ProjectKey, alias: &str) -> Result<()>;

    /// Stores a token by its hash.
    fn create_token(&self, new: NewToken, now: Timestamp) -> Result<Token>;
    /// Tokens of one project, or all.
    fn tokens(&self, project: Option<ProjectKey>) -> Result<Vec<Token>>;
    /// Ends a token by its id. `false` when there is none.
    fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool>;
    /// The living token with this SHA-256.
    fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>>;

    /// Stores a one-use sign-in link by the hash of its secret.
    fn create_login_link(&self, hash: &[u8; 32], expires_at: Timestamp) -> Result<()>;
    /// Stores a one-use sign-in link of a member by the hash of its secret.
    fn create_member_link(&self, member: MemberKey, hash: &[u8; 32], expires_at: Timestamp) -> Result<()>;
    /// Uses a link up: whose it was. `None` when it is unknown, used or expired.
    fn use_login_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<MemberKey>>;
    /// Opens a dashboard session.
    fn create_login(&self, hash: &[u8; 32], member: MemberKey, now: Timestamp) -> Result<()>;
    /// The living dashboard session of this hash; moves its idle time on (at most once a minute).
    fn touch_login(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Login>>;
    /// Gives a session another secret; the old one counts for a minute. `false` when another request was first.
    fn rotate_login(&self, old: &[u8; 32], new: &[u8; 32], now: Timestamp) -> Result<bool>;
    /// Ends a dashboard session.
    fn end_login(&self, hash: &[u8; 32]) -> Result<()>;

    /// Everyone who may sign in, the oldest first.
    fn members(&self) -> Result<Vec<Member>>;
    /// Adds someone who may sign in. [`StoreError::Conflict`] when the name is taken.
    fn add_member(&self, name: &str, role: Role, now: Timestamp) -> Result<Member>;
    /// Ends a member with their sessions and links. [`StoreError::Conflict`] for the last owner.
    fn remove_member(&self, member: MemberKey) -> Result<bool>;
    /// Changes what a member may do. [`StoreError::Conflict`] for the last owner.
    fn set_role(&self, member: MemberKey, role: Role) -> Result<bool>;
    /// Sets or takes away a member's password, by its hash, and ends their sessions.
    fn set_password(&self, member: MemberKey, hash: Option<&str>) -> Result<bool>;
    /// The member of this name and the hash of their password, where they have one.
    fn password_of(&self, name: &str) -> Result<Option<(MemberKey, String)>>;

    /// The settings of a project that were set, by name.
    fn settings(&self, project: ProjectKey) -> Result<BTreeMap<String, String>>;
    /// Sets a setting of a project, or takes it back.
    fn set_setting(&self, project: ProjectKey, key: &str, value: Option<&str>) -> Result<()>;

    /// Saved views that this reader may see: those shared with everyone, and their own, by name.
    fn views(&self, project: ProjectKey, reader: &str) -> Result<Vec<View>>;
    /// Keeps a view. [`StoreError::Conflict`] when its owner has one of that name, or the project has too many.
    fn save_view(&self, project: ProjectKey, new: &NewView, now: Timestamp) -> Result<View>;
    /// Gives a view another name, query and sharing; page and owner stay. `false`: there is none.
    fn change_view(&self, project: ProjectKey, key: ViewKey, to: &NewView) -> Result<bool>;
    /// Forgets a view. `false`: there is none.
    fn delete_view(&self, project: ProjectKey, key: ViewKey) -> Result<bool>;

    /// Notes an act of an admin.
    fn note(&self, entry: NewAudit, now: Timestamp) -> Result<()>;
    /// The newest acts.
    fn audit(&self, ask: &AuditAsk) -> Result<Vec<Audit>>;

    // -- quarantine ----------------------------------------------------------------------------------------------

    /// Keeps a refused body, bounded; the oldest make room (`evicted`).
    fn quarantine(&self, entry: NewQuarantined, now: Timestamp) -> Result<()>;
    /// The newest refused bodies, without their bytes.
    fn quarantined(&self, limit: usize) -> Result<Vec<Quarantined>>;
    /// Takes out (and forgets) the kept bodies that named this project text, oldest first, for a replay.
    fn take_quarantined(&self, project_text: &str) -> Result<Vec<QuarantinedBody>>;

    // -- questions -----------------------------------------------------------------------------------------------

    /// Headline figures, series and short lists of a period.
    fn overview(&self, project: ProjectKey, ask: &OverviewAsk) -> Result<Overview>;
    /// Sessions, newest activity first unless sorted otherwise.
    fn sessions(&self, project: ProjectKey, ask: &SessionsAsk) -> Result<Page<SessionRow>>;
    /// How many sessions of a period the tabs of the list hold, filters aside.
    fn session_counts(&self, project: ProjectKey, period: Period) -> Result<SessionCounts>;
    /// Whether there is such a thing, cheaply: for pages whose figures follow later.
    fn has(&self, project: ProjectKey, thing: &Thing) -> Result<bool>;
    /// Where the pages of `size` events of a session begin, at most 200.
    fn session_windows(&self, project: ProjectKey, id: &str, size: usize) -> Result<Vec<Window>>;
    /// The definition a call was made by, and where its arguments do not fit it; `None` where no listing is known.
    fn shown_definition(&self, project: ProjectKey, event: &str) -> Result<Option<ShownDefinition>>;
    /// One session; an id that was merged away answers with the session it went into.
    fn session(&self, project: ProjectKey, id: &str) -> Result<Option<SessionRow>>;
    /// Events of one session in order of (start, arrival).
    fn session_events(&self, project: ProjectKey, id: &str, ask: &PageAsk) -> Result<Page<EventRow>>;
    /// Calls of one session that are more than one request, by their first (CAP §2.6).
    fn session_calls(&self, project: ProjectKey, id: &str) -> Result<Vec<WholeCall>>;
    /// Events of a period, newest first.
    fn events(&self, project: ProjectKey, ask: &EventsAsk) -> Result<Page<EventRow>>;
    /// One event with its payloads.
    fn event(&self, project: ProjectKey, id: &str) -> Result<Option<EventDetail>>;
    /// Events committed after `seq`, oldest first, for a live feed that lost its connection.
    fn events_after(
        &self,
        project: ProjectKey,
        seq: u64,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<EventRow>>;
    /// The next events of an export, whole and as they came; none when there are no more.
    fn export(&self, project: ProjectKey, ask: &ExportAsk) -> Result<Vec<Exported>>;
    /// Figures per tool, resource or prompt.
    fn tools(&self, project: ProjectKey, ask: &ToolsAsk) -> Result<Page<ToolRow>>;
    /// One tool with its series, failures and callers.
    fn tool(&self, project: ProjectKey, name: &str, scope: &Scope) -> Result<Option<ToolDetail>>;
    /// Error groups, those that want a person first unless sorted otherwise.
    fn issues(&self, project: ProjectKey, ask: &ListAsk, tab: IssueTab) -> Result<IssueList>;
    /// One error group with its newest events.
    fn issue(&self, project: ProjectKey, id: u64, scope: &Scope) -> Result<Option<IssueDetail>>;
    /// Identified people.
    fn people(&self, project: ProjectKey, ask: &ListAsk) -> Result<Page<PersonRow>>;
    /// One person with traits and sessions, by any of its ids.
    fn person(&self, project: ProjectKey, actor_id: &str) -> Result<Option<PersonDetail>>;
    /// Takes a merge of two people back, or lets it count again; `false` when there is none of this number. What its event
    /// says again later stays taken back.
    fn set_merge(&self, project: ProjectKey, merge: u64, aside: Aside) -> Result<bool>;
    /// Parts a fragment from the session it continues (by the fragment's own id), or joins it again; `false` when it continues
    /// none. What was parted stays parted.
    fn set_joined(&self, project: ProjectKey, later: &str, aside: Aside) -> Result<bool>;
    /// Shows session `later` as what goes on where `earlier` ended, by an operator's word, which counts above every rule;
    /// [`Store::set_joined`] takes it back. `false` when one of them is not there; [`StoreError::BadQuestion`] where they cannot be one.
    fn join_sessions(&self, project: ProjectKey, later: &str, earlier: &str) -> Result<bool>;
    /// At most three sessions that one could be joined with, the newest first: those before it of its person, or of nobody with
    /// its client.
    fn sessions_before(&self, project: ProjectKey, id: &str) -> Result<Vec<SessionBefore>>;
    /// Other sessions that carried the same conversation handle of a client as this one, in order of time: at most twelve. Sessions
    /// stored before handles were kept have none.
    fn siblings(&self, project: ProjectKey, id: &str) -> Result<Vec<SessionRow>>;
    /// The end of the track of each event's session up to that event: at most `most` marks each, in the order of `seqs`. An event
    /// without a session has none.
    fn tracks_until(&self, project: ProjectKey, seqs: &[u64], most: usize) -> Result<Vec<TrackUntil>>;
    /// Splits a session before this event: what starts then or later, late events too, is another session, whose id is answered.
    /// [`Store::set_joined`] joins them again. `None` when no session has such an event; [`StoreError::BadQuestion`] where nothing is before it.
    fn split_session(&self, project: ProjectKey, event: &str, now: Timestamp) -> Result<Option<SessionId>>;
    /// Accounts: groups that events name.
    fn accounts(&self, project: ProjectKey, ask: &AccountsAsk) -> Result<Page<AccountRow>>;
    /// One account with its people and sessions, by type and key.
    fn account(&self, project: ProjectKey, kind: &str, key: &str) -> Result<Option<AccountDetail>>;
    /// Figures per client name and version.
    fn clients(&self, project: ProjectKey, scope: &Scope) -> Result<Vec<ClientRow>>;
    /// How well each client, model, revision, recorder or person does, from the newest calls.
    fn ways(&self, project: ProjectKey, scope: &Scope, by: By) -> Result<Ways>;
    /// What agents say they came for, by matter.
    fn intents(&self, project: ProjectKey, scope: &Scope) -> Result<Intents>;
    /// Decides on an error group, merges or splits it, and keeps who did. `false`: there is no such group, or nothing to do.
    /// [`StoreError::BadQuestion`] where it cannot be done.
    fn act_on_issue(
        &self,
        project: ProjectKey,
        id: u64,
        act: &IssueAct,
        who: &str,
        now: Timestamp,
    ) -> Result<bool>;
    /// Distinct listings, their changes, their cost, and which tools nobody calls.
    fn catalogs(&self, project: ProjectKey, scope: &Scope) -> Result<Catalogs>;
    /// The definitions of a listing as a JSON array, where they are known.
    fn catalog_tools(&self, project: ProjectKey, hash: &str) -> Result<Option<String>>;
    /// What agents asked for and did not find, newest first, with what becomes of it.
    fn wishes(&self, project: ProjectKey, ask: &ListAsk) -> Result<Page<Wish>>;
    /// What agents said of tools, newest first.
    fn feedback(&self, project: ProjectKey, ask: &ListAsk) -> Result<Page<Said>>;
    /// Notes what becomes of a wish, by the event it was said in. `false`: there is no such wish.
    fn set_wish(
        &self,
        project: ProjectKey,
        event: &str,
        status: WishStatus,
        note: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<bool>;
    /// What the newest calls tell: first try, recovery, loops, endings, weight, unknown tools.
    fn signals(&self, project: ProjectKey, scope: &Scope) -> Result<Signals>;
    /// What is wrong with the data itself: sessions in pieces, identities that name nobody.
    fn warnings(&self, project: ProjectKey, scope: &Scope) -> Result<Vec<Warning>>;
    /// What arrived and what became of it; `None`: over all projects.
    fn intake(&self, project: Option<ProjectKey>) -> Result<Intake>;
    /// Size, room and speed of the storage itself.
    fn health(&self) -> Result<StoreHealth>;

    // -- removal -------------------------------------------------------------------------------------------------

    /// Erases a person by any of their ids; `None` when nobody has it. Figures keep what they counted.
    fn erase_person(&self, project: ProjectKey, actor_id: &str, now: Timestamp) -> Result<Option<Erased>>;
    /// What a retention run would remove.
    fn would_expire(&self, project: ProjectKey, cutoffs: &Cutoffs) -> Result<Expired>;
    /// Bytes of the storage's blocks that hold payloads of events before `at`: the most that removing them can free.
    fn payload_bytes_before(&self, project: ProjectKey, at: Timestamp) -> Result<u64>;
    /// Removes what is older than the cut-offs, step by step between commits.
    fn expire(&self, project: ProjectKey, cutoffs: &Cutoffs) -> Result<Expired>;

    /// Commits what is queued, checkpoints and closes. Later calls fail with [`StoreError::Closed`].
    fn close(&self) -> Result<()>;
}
