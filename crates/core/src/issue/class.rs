//! What sort of failure an error is (F-83): one table of phrases, the first rule that matches wins.
//!
//! The class is for reading and filtering; it never enters a fingerprint (D32), so the table may grow without splitting groups.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use trackway_event::{ErrorClass, Event, Kind};

/// JSON-RPC's code for bad parameters.
const INVALID_PARAMS: i64 = -32_602;
/// JSON-RPC's code for an unknown method.
const METHOD_NOT_FOUND: i64 = -32_601;
/// Bytes of type and message that are looked at.
const LOOK_AT: usize = 1_024;

/// Phrases in lower case, looked for in "type message". Rules further up win.
const RULES: &[(ErrorClass, &[&str])] = &[
    (ErrorClass::UnknownTool, &["unknown tool", "tool not found", "no such tool", "tool does not exist"]),
    (
        ErrorClass::OutputSchema,
        &[
            "output validation",
            "output schema",
            "outputschema",
            "structured content",
            "structuredcontent",
            "response validation",
        ],
    ),
    (
        ErrorClass::RateLimit,
        &[
            "rate limit",
            "rate_limit",
            "ratelimit",
            "too many requests",
            "quota",
            "throttl",
            "status 429",
            "code 429",
        ],
    ),
    (
        ErrorClass::InputSchema,
        &[
            "input validation error",
            "invalid arguments",
            "invalid argument",
            "validation error",
            "validationerror",
            "zoderror",
            "invalid params",
            "invalidparams",
            "invalid_type",
            "invalid input",
            "field required",
            "is a required property",
            "missing required",
            "required parameter",
            "unrecognized key",
            "must be a string",
            "must be a number",
            "must be one of",
            "must have required",
            "additional properties",
            "is not of type",
            "failed to deserialize",
            "missing field",
            "unknown field",
            "unexpected keyword argument",
            "missing 1 required",
            "expected string",
            "expected number",
            "invalid enum value",
            "does not match schema",
            "is not one of",
            "bad request",
            "unprocessable",
            "out of range",
            "must match",
            "must be a ",
            "must be an ",
            "must be at ",
            "must be between",
            "must be greater",
            "must be less",
            "must be positive",
            "must not be ",
            "is not a date",
            "is not a number",
            "is not a valid",
            "of the form",
            "invalid date",
            "invalid format",
            "invalid value",
            "malformed",
            "status 400",
            "code 400",
            "status 422",
            "code 422",
        ],
    ),
    (
        ErrorClass::Permission,
        &[
            "forbidden",
            "permission denied",
            "permissiondenied",
            "permission_denied",
            "permissionerror",
            "access denied",
            "accessdenied",
            "not allowed to",
            "insufficient scope",
            "insufficient privilege",
            "insufficient permission",
            "not permitted",
            " eacces",
            " eperm",
            "must be owner",
            "read-only",
            "status 403",
            "code 403",
        ],
    ),
    (
        ErrorClass::Auth,
        &[
            "unauthorized",
            "unauthorised",
            "unauthenticated",
            "not authenticated",
            "authenticationerror",
            "authentication",
            "invalid token",
            "token expired",
            "expired token",
            "token has expired",
            "invalid api key",
            "invalid_api_key",
            "missing api key",
            "login required",
            "not logged in",
            "sign in",
            "invalid credentials",
            "bad credentials",
            "password authentication failed",
            "status 401",
            "code 401",
        ],
    ),
    (
        ErrorClass::Timeout,
        &[
            "timed out",
            "timeout",
            "deadline exceeded",
            "deadlineexceeded",
            "took too long",
            " etimedout",
            "aborterror",
            "status 408",
            "code 408",
        ],
    ),
    (
        ErrorClass::Transport,
        &[
            " econnrefused",
            " econnreset",
            "connection refused",
            "connection reset",
            "connection closed",
            "connection aborted",
            "connectionerror",
            "connecterror",
            "broken pipe",
            " epipe",
            "socket hang up",
            " enotfound",
            " eai_again",
            "getaddrinfo",
            "name resolution",
            "dns error",
            "no such host",
            "fetch failed",
            "network error",
            "network is unreachable",
            " ehostunreach",
            "tls handshake",
            "sslerror",
            "ssl error",
            "certificate",
            "unexpected eof",
            "could not connect",
            "failed to connect",
        ],
    ),
    (
        ErrorClass::Upstream,
        &[
            "bad gateway",
            "service unavailable",
            "internal server error",
            "upstream",
            "status 500",
            "status 502",
            "status 503",
            "status 504",
            "code 500",
            "code 502",
            "code 503",
            "code 504",
            "server overloaded",
            "overloaded_error",
        ],
    ),
    (
        ErrorClass::StateConflict,
        &[
            "already exists",
            "alreadyexists",
            "already been",
            "already in",
            "already closed",
            "conflict",
            "duplicate key",
            "duplicate entry",
            "unique constraint",
            "unique violation",
            "uniqueviolation",
            "integrityerror",
            "foreign key constraint",
            "deadlock",
            "is locked",
            "lock wait",
            "stale",
            "could not serialize",
            "serialization failure",
            "version mismatch",
            "concurrent",
            "out of stock",
            "insufficient stock",
            "invalid state",
            "illegal state",
            "status 409",
            "code 409",
        ],
    ),
    (
        ErrorClass::MissingPrecondition,
        &[
            "precondition",
            "must first",
            "first call",
            "call first",
            "before you can",
            "before calling",
            "not initialized",
            "not initialised",
            "uninitialized",
            "not configured",
            "is not set",
            "not been set",
            "missing environment",
            "environment variable",
            "no active",
            "not connected",
            "not started",
            "cart is empty",
            "status 412",
        ],
    ),
    (
        ErrorClass::EmptyAsError,
        &[
            "no results",
            "nothing found",
            "no matches",
            "no match for",
            "no records",
            "no rows",
            "no data found",
            "no data available",
            "empty result",
            "0 results",
            "no items found",
            "no entries",
        ],
    ),
    (
        ErrorClass::NotFound,
        &[
            "not found",
            "notfound",
            "not_found",
            "does not exist",
            "doesn't exist",
            "no such",
            " enoent",
            "could not find",
            "couldn't find",
            "cannot find",
            "can't find",
            "unable to find",
            "keyerror",
            "unknown ",
            "no longer exists",
            "status 404",
            "code 404",
            "status 410",
            "filenotfounderror",
            "nosuchkey",
        ],
    ),
];

/// The phrases as one automaton, with the rule of each.
static PHRASES: LazyLock<(AhoCorasick, Vec<usize>)> = LazyLock::new(|| {
    let phrases =
        RULES.iter().enumerate().flat_map(|(rule, (_, phrases))| phrases.iter().map(move |p| (rule, *p)));
    let (rules, phrases): (Vec<usize>, Vec<&str>) = phrases.unzip();
    (
        AhoCorasick::new(phrases).expect("a few hundred short literals are far below the automaton's limits"),
        rules,
    )
});

/// The class of an event that is an error ([`super::is_error`]), by its flags, JSON-RPC code, type and message.
pub fn class_of(event: &Event) -> ErrorClass {
    let call = event.kind == Kind::ToolCall;
    if event.flags.unknown_tool || (call && event.error_code == Some(METHOD_NOT_FOUND)) {
        return ErrorClass::UnknownTool;
    }
    let text = searched(event);
    if call && names_a_missing_tool(&text) {
        return ErrorClass::UnknownTool;
    }
    let (automaton, rules) = &*PHRASES;
    let best = automaton.find_overlapping_iter(&text).filter_map(|m| rules.get(m.pattern().as_usize())).min();
    match best.and_then(|rule| RULES.get(*rule)) {
        Some((class, _)) => *class,
        None if event.error_code == Some(INVALID_PARAMS) => ErrorClass::InputSchema,
        None => ErrorClass::Internal,
    }
}

/// "type message" in lower case; "status code: 404", "HTTP 404" and "status=404" all read "status 404".
fn searched(event: &Event) -> String {
    let Some(error) = &event.error else { return String::new() };
    let raw = [error.kind.as_deref().unwrap_or(""), &error.message].join(" ");
    // Every word has a space before it, so that a code such as ENOTFOUND is not found inside of another word.
    let mut text = String::with_capacity(raw.len().min(LOOK_AT) + 8);
    text.push(' ');
    for word in raw.split([' ', ':', '=', '(', ')', '\n', '\t', ',', '"', '/']) {
        if text.len() >= LOOK_AT {
            break;
        }
        if word.is_empty() {
            continue;
        }
        let status = word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit());
        if status
            && (text.ends_with("http ")
                || text.ends_with("1.1 ")
                || text.ends_with("error ")
                || text.ends_with("failed "))
        {
            text.push_str("status ");
        }
        text.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        text.push(' ');
    }
    text
}

/// "Tool nope not found", also behind "MCP error -32602:".
fn names_a_missing_tool(text: &str) -> bool {
    let at = if text.trim_start().starts_with("tool ") { Some(0) } else { text.find("-32602 tool ") };
    at.and_then(|at| text.get(at..))
        .is_some_and(|t| t.split('.').next().is_some_and(|s| s.contains(" not found")))
}
