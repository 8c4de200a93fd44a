//! Every bound of Trackway in one place (INV-10), each with the rule it comes from.

use std::time::Duration;

/// Events in one native batch (decision D1).
pub const BATCH_EVENTS: usize = 1_000;
/// Bytes of a request body on the wire, before decompression (AC R33, D1).
pub const WIRE_BYTES: usize = 5 * 1024 * 1024;
/// Bytes of a request body after decompression (AC R33, D1).
pub const INFLATED_BYTES: usize = 20 * 1024 * 1024;
/// Bytes of a PostHog body on the wire (PH R12).
pub const POSTHOG_WIRE_BYTES: usize = 20 * 1024 * 1024;
/// Bytes of a PostHog body after decompression (PH R12).
pub const POSTHOG_INFLATED_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of one event after inflation; a bigger one is shrunk by [`crate::validate`] or refused (AC R33).
pub const EVENT_BYTES: usize = 1024 * 1024;
/// Nesting of a request body; deeper is refused as `too_deep` (AC R34).
pub const BODY_DEPTH: usize = 64;

/// Characters of an intent (D25).
pub const INTENT_CHARS: usize = 4_096;
/// Characters of an error message (D25).
pub const ERROR_MESSAGE_CHARS: usize = 4_096;
/// Characters of a tool, resource, version, client or server name (AC R34).
pub const NAME_CHARS: usize = 256;
/// Characters of a resource URI (CAP §2.5).
pub const URI_CHARS: usize = 2_048;
/// Characters of an event or session id (AC R34). A longer session id becomes its SHA-256 in hex (AC R21).
pub const ID_CHARS: usize = 256;
/// Characters of an event's name on the PostHog wire (PH R5, R19).
pub const EVENT_NAME_CHARS: usize = 200;
/// Characters of a project id (D8).
pub const PROJECT_ID_CHARS: usize = 64;
/// Code points of an actor id on every wire (D9).
pub const ACTOR_ID_CHARS: usize = 400;
/// Stack frames kept: the first and last 25 (AC R34).
pub const FRAMES: usize = 50;
/// Content blocks of a result whose kind and size are kept (CAP §2.5).
pub const BLOCKS: usize = 50;
/// Links of a cause chain (AC R34).
pub const CHAIN: usize = 10;
/// Bytes of the arguments the recorder keeps (D25).
pub const ARGUMENTS_BYTES: usize = 64 * 1024;
/// Bytes of the result the recorder keeps (D25).
pub const RESULT_BYTES: usize = 64 * 1024;
/// Bytes of a whole event as the recorder sends it (D25).
pub const RECORDED_EVENT_BYTES: usize = 192 * 1024;
/// User tags of one event (AC R36).
pub const TAGS: usize = 50;
/// Characters of a tag's key (AC R36).
pub const TAG_KEY_CHARS: usize = 32;
/// Characters of a tag's value (AC R36).
pub const TAG_VALUE_CHARS: usize = 200;
/// Bytes of the properties of one event (SDK-61).
pub const PROPERTIES_BYTES: usize = 32 * 1024;
/// Bytes of an actor's traits on one event (SDK-45).
pub const TRAITS_BYTES: usize = 16 * 1024;
/// Notes kept on one event.
pub const NOTES: usize = 16;
/// Groups of one event (F-55).
pub const GROUPS: usize = 5;

/// Events of the longest session that an operator can split: it is done in one commit.
pub const SPLIT_EVENTS: usize = 20_000;

/// The gap between two event starts that still joins a stateless session; exactly this long joins (AC R21).
pub const SESSION_GAP: Duration = Duration::from_secs(30 * 60);
/// How long after a session's last event it counts as quiet (F-67).
pub const SESSION_QUIET: Duration = Duration::from_secs(30 * 60);
/// How far in the future an event may lie before its time is replaced by the receive time (AC R30).
pub const FUTURE: Duration = Duration::from_secs(24 * 60 * 60);
/// The same on the PostHog wire (PH R15).
pub const POSTHOG_FUTURE: Duration = Duration::from_secs(23 * 60 * 60);

/// Events of one group commit (ARCHITECTURE §4).
pub const COMMIT_EVENTS: usize = 1_000;
/// How long a commit waits for company (ARCHITECTURE §4).
pub const COMMIT_WAIT: Duration = Duration::from_millis(20);
/// Events that may wait for one project's writer before ingest counts as overloaded.
pub const WRITER_QUEUE_EVENTS: usize = 20_000;
/// How long ingest holds a request for room before it answers as its wire allows (D3).
pub const INGEST_HOLD: Duration = Duration::from_secs(8);
/// The same where the client keeps its events until they are taken: it is told soon, and comes back (ADR 0021).
pub const INGEST_HOLD_KEPT: Duration = Duration::from_millis(150);
/// Bytes of bodies that are masked, parsed, queued and committed at a time (ADR 0021).
pub const INGEST_WORK_BYTES: usize = 1024 * 1024;
/// Bytes of bodies that wait to be worked on (ADR 0021).
pub const INGEST_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Rows of the quarantine (AC R35).
pub const QUARANTINE_ROWS: usize = 10_000;
/// Bytes of the quarantine (AC R35).
pub const QUARANTINE_BYTES: usize = 64 * 1024 * 1024;
/// Bytes kept of one quarantined body of an unknown project (D5).
pub const QUARANTINE_BODY_BYTES: usize = 1024 * 1024;
/// Bytes kept of an unreadable body (D5).
pub const QUARANTINE_PREFIX_BYTES: usize = 256;

/// Events the recorder's queue holds (D24).
pub const QUEUE_EVENTS: usize = 10_000;
/// Bytes the recorder's queue holds (D24).
pub const QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// Events of one batch the recorder sends (D24).
pub const SEND_EVENTS: usize = 100;
/// Bytes of one batch the recorder sends, before compression (D24).
pub const SEND_BYTES: usize = 1024 * 1024;
/// How long a batch waits to fill (D24).
pub const SEND_WAIT: Duration = Duration::from_secs(1);
/// Bytes of one line or body the recorder looks into; longer ones pass uninspected (CAP §6.1).
pub const INSPECT_BYTES: usize = 16 * 1024 * 1024;
/// Pending requests of one connection; beyond, the oldest closes as `lost` (CAP §2.2).
pub const PENDING: usize = 10_000;
/// How long a pending request may wait for its answer before it closes as `timeout` (CAP §2.2).
pub const PENDING_TTL: Duration = Duration::from_secs(60 * 60);

/// Rows of a list page when the caller names none; 25, 50 and 100 are offered (dashboard §3).
pub const PAGE_ROWS: usize = 50;
/// Most rows of a list page.
pub const PAGE_ROWS_MAX: usize = 100;
/// Most conditions of one filter (dashboard §3).
pub const FILTER_CONDITIONS: usize = 20;
/// Most values of one `in` condition (dashboard §3).
pub const FILTER_VALUES: usize = 50;
/// Characters of a pattern in a filter (dashboard §3).
pub const FILTER_PATTERN_CHARS: usize = 200;
/// Bytes of a pattern's program, which bounds how long one match takes.
pub const FILTER_PATTERN_BYTES: usize = 32 * 1024;
/// Saved views of one project.
pub const VIEWS: usize = 500;
/// Characters of a saved view's name.
pub const VIEW_NAME_CHARS: usize = 60;
/// Bytes of a URL (dashboard §3).
pub const URL_BYTES: usize = 8 * 1024;
/// How long one query may run before its answer is marked partial or fails.
pub const QUERY_DEADLINE: Duration = Duration::from_secs(10);

/// How long a page waits for its figures before it goes out without them (dashboard §6).
pub const PANEL_WAIT: Duration = Duration::from_millis(150);

/// How long reading a request's head may take.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long reading a request's body may take.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a client may leave an answer unread that is being sent to it.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a request may take in all, to the head of its answer: longer than what its parts may take together.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// Bytes of a request's head.
pub const HEAD_BYTES: usize = 32 * 1024;
/// How long a graceful shutdown may take (D40).
pub const SHUTDOWN: Duration = Duration::from_secs(10);
/// How long a sign-in link lives (D35).
pub const LOGIN_LINK: Duration = Duration::from_secs(15 * 60);
/// How long an unused dashboard session lives (dashboard §10).
pub const COOKIE_IDLE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a dashboard session lives at most, used or not (F-156).
pub const COOKIE_AGE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// After how long the secret of a used dashboard session is exchanged (F-156).
pub const COOKIE_ROTATION: Duration = Duration::from_secs(24 * 60 * 60);
/// Sign-in tries per address in ten minutes (dashboard §10).
pub const LOGIN_TRIES: u32 = 10;
