//! What becomes of a received event, and the closed lists that explain it (INV-02, D32).

use serde::{Deserialize, Serialize};

use crate::event::closed_list;

/// Exactly one per received event (INV-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is in the ledger.
    Stored,
    /// The same raw time and id is in the ledger already.
    Duplicate,
    /// It was not stored, for this reason.
    Dropped(DropReason),
}

closed_list! {
    /// Why an event was not stored, or a body was quarantined. The texts are the user documentation.
    DropReason {
        /// The body is no JSON.
        BadJson = 1: "bad_json",
        /// The body is JSON, but no object or array of objects.
        NotObject = 2: "not_object",
        /// The event names no project.
        MissingProject = 3: "missing_project",
        /// No project has this id or alias; the body is kept and replayed when it is created or adopted.
        UnknownProject = 4: "unknown_project",
        /// The project is switched off or being deleted.
        ProjectDisabled = 5: "project_disabled",
        /// The event is over 1 MiB even without its payloads, or the body over the wire cap.
        TooLarge = 6: "too_large",
        /// The body nests deeper than 64 levels.
        TooDeep = 7: "too_deep",
        /// A required field is missing or has a value that cannot be read.
        BadEvent = 8: "bad_event",
        /// It was in the quarantine and made room for newer ones.
        Evicted = 9: "evicted",
        /// Too much arrived at once.
        Overload = 10: "overload",
        /// The disk is full or could not be written.
        DiskFull = 11: "disk_full",
        /// The batch holds more than 1,000 events; this one lies beyond.
        TooMany = 12: "too_many",
        /// A PostHog event without a name.
        MissingEventName = 13: "missing_event_name",
        /// A PostHog event that is none of MCP's and names no user.
        MissingDistinctId = 14: "missing_distinct_id",
        /// More came than the project's rate allows, to a client that cannot be asked to send again.
        RateLimited = 15: "rate_limited",
        /// More came than the project may be sent in a day.
        Quota = 16: "quota",
    }
}

impl DropReason {
    /// One sentence for a person: what happened and what to do.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::BadJson => "the body is not JSON; check what the client sends",
            Self::NotObject => "the body is JSON but not an object or an array of objects",
            Self::MissingProject => "the event names no project; set the project id in the SDK",
            Self::UnknownProject => {
                "no project has this id; create or adopt it and the kept bodies are replayed"
            }
            Self::ProjectDisabled => "the project is switched off or being deleted",
            Self::TooLarge => "the event is too large; send smaller payloads",
            Self::TooDeep => "the event nests deeper than 64 levels",
            Self::BadEvent => "a required field is missing or unreadable",
            Self::Evicted => "kept in quarantine, then dropped to make room for newer bodies",
            Self::Overload => "more arrived than could be stored in time",
            Self::DiskFull => "the disk is full or cannot be written; free some room",
            Self::TooMany => "the batch holds more than 1,000 events; send smaller batches",
            Self::MissingEventName => "the event has no name; set \"event\"",
            Self::MissingDistinctId => "the event names no user; set \"distinct_id\"",
            Self::RateLimited => {
                "more came than the project's limit.events_per_second allows; send less, or raise it"
            }
            Self::Quota => "more came than the project's limit.events_per_day allows; send less, or raise it",
        }
    }
}

closed_list! {
    /// The `code` of a problem+json answer.
    ProblemCode {
        /// The request could not be read.
        BadRequest = 1: "bad_request",
        /// A condition of the filter is unknown or malformed.
        BadFilter = 2: "bad_filter",
        /// The cursor is not one of ours.
        BadCursor = 3: "bad_cursor",
        /// No or an unknown credential.
        Unauthorized = 4: "unauthorized",
        /// The credential may not do this.
        Forbidden = 5: "forbidden",
        /// Nothing here, or nothing you may see.
        NotFound = 6: "not_found",
        /// No project of this id.
        UnknownProject = 7: "unknown_project",
        /// The method does not exist here.
        MethodNotAllowed = 8: "method_not_allowed",
        /// The body is over its cap.
        TooLarge = 9: "too_large",
        /// The body's encoding is not one we read.
        UnsupportedEncoding = 10: "unsupported_encoding",
        /// The request took too long to arrive.
        Timeout = 11: "timeout",
        /// The query ran into its deadline.
        QueryTimeout = 12: "query_timeout",
        /// Too many tries.
        RateLimited = 13: "rate_limited",
        /// No room or no time; try again later.
        Overloaded = 14: "overloaded",
        /// The name of the host is not one this server answers to.
        BadHost = 15: "bad_host",
        /// A mistake of ours.
        Internal = 16: "internal",
        /// The thing exists already.
        Conflict = 17: "conflict",
    }
}

closed_list! {
    /// What sort of failure it was, by rule (F-83). Never part of a fingerprint (D32).
    ErrorClass {
        /// The arguments do not fit the schema.
        InputSchema = 1: "input_schema",
        /// The result does not fit the schema.
        OutputSchema = 2: "output_schema",
        /// No tool of that name.
        UnknownTool = 3: "unknown_tool",
        /// The thing asked for is not there.
        NotFound = 4: "not_found",
        /// Not signed in.
        Auth = 5: "auth",
        /// Signed in, not allowed.
        Permission = 6: "permission",
        /// Too many requests.
        RateLimit = 7: "rate_limit",
        /// Something took too long.
        Timeout = 8: "timeout",
        /// A server behind the server failed.
        Upstream = 9: "upstream",
        /// The connection failed.
        Transport = 10: "transport",
        /// The state does not allow it now.
        StateConflict = 11: "state_conflict",
        /// Something had to be done first.
        MissingPrecondition = 12: "missing_precondition",
        /// "Nothing found", said as an error.
        EmptyAsError = 13: "empty_as_error",
        /// None of these.
        Internal = 14: "internal",
    }
}
