//! Messages as servers really write them, their normal form, their group and their class. A new case is one line.

use proptest::prelude::*;
use trackway_event::event::Cause;
use trackway_event::{ErrorClass, Status};

use super::*;
use crate::testing::event;

#[test]
fn messages_lose_what_changes() {
    #[rustfmt::skip]
    let cases = [
        // JavaScript and Node
        ("Cannot read properties of undefined (reading 'name')", "Cannot read properties of undefined (reading <str>)"),
        ("ENOENT: no such file or directory, open '/srv/data/42.json'", "ENOENT: no such file or directory, open <str>"),
        ("connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED <addr>"),
        ("connect ECONNREFUSED ::1:5432", "connect ECONNREFUSED <addr>"),
        ("getaddrinfo ENOTFOUND api.example.com", "getaddrinfo ENOTFOUND api.example.com"),
        ("Unexpected token < in JSON at position 117", "Unexpected token < in JSON at position <n>"),
        ("The operation was aborted due to timeout after 3000 ms", "The operation was aborted due to timeout after <n> ms"),
        ("timeout of 30000ms exceeded", "timeout of <n>ms exceeded"),
        ("Request failed with status code 404", "Request failed with status code 404"),
        ("Request failed with status code 503", "Request failed with status code 503"),
        ("Can't find user's cart, won't retry", "Can't find user's cart, won't retry"),
        ("at handler (/app/src/server.ts:120:15)", "at handler (<path>)"),
        ("error in src/tools/search.ts:12:5 while loading", "error in <path> while loading"),
        ("failed at server.mjs:12:5", "failed at server.mjs:<n>"),
        ("fetch failed: https://api.shop.test/v1/orders/77?x=1&y=2.", "fetch failed: <url>."),
        ("see (https://zod.dev/error).", "see (<url>)."),
        // ids
        ("order ord_9f3a71bc not found", "order ord_<id> not found"),
        ("order ord_12345 not found", "order ord_<id> not found"),
        ("user 550e8400-e29b-41d4-a716-446655440000 has no cart", "user <uuid> has no cart"),
        ("user-550e8400-e29b-41d4-a716-446655440000", "user-<uuid>"),
        ("no session ses_2ad1IUJY22FZA7HVjz7XTWS9k1n", "no session ses_<id>"),
        ("no document 507f1f77bcf86cd799439011 in orders", "no document <hex> in orders"),
        ("commit a1b2c3d4e5 is unknown", "commit <hex> is unknown"),
        ("key 2ad1IUJY22FZA7HVjz7XTWS9k1n gone", "key <id> gone"),
        ("SKU-1042 is out of stock", "SKU-<id> is out of stock"),
        ("product sku 1042 is out of stock", "product sku <n> is out of stock"),
        ("user42 may not do this", "user<n> may not do this"),
        ("bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "bad token <id>"),
        ("segfault at 0x7ffd5e8a", "segfault at <hex>"),
        // numbers, units, lists
        ("expected 3 items, got 12", "expected <n> items, got <n>"),
        ("balance is -19.99, limit 1,234.50", "balance is <n>, limit <n>"),
        ("85% of 10MB used after 1m30s", "<n>% of <n>MB used after <n>"),
        ("took 2.345678ms", "took <n>ms"),
        ("ids 1, 2, 3 and 4 are unknown", "ids <n> are unknown"),
        ("one of 'a', 'b' or 'c'", "one of <str>"),
        ("one of 'a' | 'b'", "one of <str>"),
        ("version 1.2.3 is too old", "version <n> is too old"),
        ("v1.2.3", "v<n>"),
        ("retry in 30s", "retry in <n>s"),
        // what only looks like an id
        ("sha256 mismatch in utf8 text over http2", "sha256 mismatch in utf8 text over http2"),
        ("E11000 duplicate key error", "E11000 duplicate key error"),
        ("P2002: unique constraint", "P2002: unique constraint"),
        ("ORA-00942: table or view does not exist", "ORA-00942: table or view does not exist"),
        ("SQLSTATE 42P01", "SQLSTATE 42P01"),
        ("read/write and tools/call of application/json", "read/write and tools/call of application/json"),
        ("TypeError in Base64Decoder", "TypeError in Base64Decoder"),
        // times
        ("expired at 2026-01-02T03:04:05.678Z", "expired at <time>"),
        ("expired at 2026-01-02 03:04:05+00:00", "expired at <time>"),
        ("expired on 2026-01-02", "expired on <time>"),
        ("expired Mon, 02 Jan 2026 03:04:05 GMT", "expired <time>"),
        ("closed since January 2, 2026 at 3:04 PM", "closed since <time> at <time>"),
        ("May not be empty", "May not be empty"),
        ("slot 14:30 is taken", "slot <time> is taken"),
        // addresses, mails
        ("no route to 10.0.0.7", "no route to <addr>"),
        ("no route to 2001:db8::ff00:42:8329", "no route to <addr>"),
        ("cannot reach localhost:3000", "cannot reach <addr>"),
        ("cannot reach db.internal:5432", "cannot reach <addr>"),
        ("mail to alice@example.com bounced", "mail to <email> bounced"),
        // Python
        ("Error executing tool boom: kaboom", "Error executing tool boom: kaboom"),
        ("'user_id'", "<str>"),
        ("invalid literal for int() with base 10: 'abc'", "invalid literal for int() with base <n>: <str>"),
        ("1 validation error for searchArguments\nquery\n  Field required [type=missing, input_value={'msg': 'x'}, input_type=dict]\n    For further information visit https://errors.pydantic.dev/2.11/v/missing",
         "<n> validation error for searchArguments query Field required [type=missing, input_value=<str>, input_type=dict] For further information visit <url>"),
        ("search() got an unexpected keyword argument 'q'", "search() got an unexpected keyword argument <str>"),
        // Go
        ("open /etc/shop/7.toml: no such file or directory", "open <path>: no such file or directory"),
        ("dial tcp 10.0.0.7:443: i/o timeout", "dial tcp <addr>: i/o timeout"),
        ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
        ("json: cannot unmarshal string into Go struct field Order.id of type int64", "json: cannot unmarshal string into Go struct field Order.id of type int64"),
        // Rust
        ("index out of bounds: the len is 3 but the index is 7", "index out of bounds: the len is <n> but the index is <n>"),
        ("missing field `query` at line 1 column 14", "missing field <str> at line <n> column <n>"),
        ("called `Option::unwrap()` on a `None` value", "called <str> on a <str> value"),
        // SQL
        ("duplicate key value violates unique constraint \"orders_pkey\"", "duplicate key value violates unique constraint <str>"),
        ("ERROR 1045 (28000): Access denied for user 'bob'@'10.0.0.7'", "ERROR <n> (<n>): Access denied for user <str>@<str>"),
        ("database is locked", "database is locked"),
        // JSON-RPC, validators
        ("MCP error -32602: Tool nope not found", "MCP error -32602: Tool nope not found"),
        ("Invalid input: expected string, received number at query", "Invalid input: expected string, received number at query"),
        (r#"[{"code":"invalid_type","expected":"string","received":"undefined","path":["query"],"message":"Required"}]"#,
         r#"[{"code":invalid_type,"expected":string,"received":undefined,"path":[<str>],"message":<str>}]"#),
        (r#"{\"code\":\"too_small\",\"minimum\":1}"#, r#"{"code":too_small,"minimum":<n>}"#),
        ("/items/0/name must be string", "<path> must be string"),
        ("data/items/0 must have required property 'name'", "<path> must have required property <str>"),
        // odd texts
        ("", ""),
        ("   many    blanks\t\n here ", "many blanks here"),
        ("日本語のエラー 42", "日本語のエラー <n>"),
        ("Ошибка: файл №7 не найден", "Ошибка: файл №<n> не найден"),
        ("unclosed 'quote", "unclosed 'quote"),
        ("\"", "\""),
    ];
    let bad: Vec<_> = cases.iter().filter(|(m, want)| normalise(m) != **want).collect();
    for (message, want) in &bad {
        eprintln!("{message:?}\n  want {want:?}\n  got  {:?}", normalise(message));
    }
    assert!(bad.is_empty(), "{} of {} cases", bad.len(), cases.len());
}

fn failure(tool: &str, kind: Option<&str>, message: &str) -> Event {
    let mut e = event("a", Kind::ToolCall, 0);
    e.status = Some(Status::ToolError);
    e.tool = Some(tool.into());
    e.error = Some(Box::new(ErrorInfo {
        kind: kind.map(Into::into),
        message: message.into(),
        ..ErrorInfo::default()
    }));
    e
}

fn frame(filename: &str, function: &str, lineno: u32, in_app: bool) -> Frame {
    Frame {
        filename: filename.into(),
        function: function.into(),
        lineno: Some(lineno),
        in_app,
        ..Frame::default()
    }
}

#[test]
fn inv_04_a_group_is_tool_type_and_normal_message() {
    let base = fingerprint(&failure("search", Some("TypeError"), "order 7 not found")).unwrap();
    let same = |e: Event| fingerprint(&e).unwrap() == base;
    assert!(same(failure("search", Some("TypeError"), "order 12345 not found")));
    assert!(!same(failure("other", Some("TypeError"), "order 7 not found")));
    assert!(!same(failure("search", Some("RangeError"), "order 7 not found")));
    assert!(!same(failure("search", None, "order 7 not found")));
    assert!(!same(failure("search", Some("TypeError"), "user 7 not found")));
    let mut unlike = failure("search", Some("TypeError"), "order 7 not found");
    unlike.status = Some(Status::ProtocolError);
    unlike.error_code = Some(-32_602);
    assert!(same(unlike), "status, code and class take no part");
    assert_eq!(base.to_string(), "e7377e2d5adfe1fa7b838293b0e1c918", "the hash of version 1 is stable");
}

#[test]
fn own_frames_stand_for_the_message() {
    let with = |message: &str, platform: &str, frames: Vec<Frame>| {
        let mut e = failure("search", Some("TypeError"), message);
        if let Some(error) = &mut e.error {
            error.frames = frames;
            error.platform = Some(platform.into());
        }
        fingerprint(&e).unwrap()
    };
    let foreign = frame("node_modules/x/index.js", "run", 9, false);
    let js = |line| {
        vec![
            frame("src/search.ts", "find", line, true),
            foreign.clone(),
            frame("src/server.ts", "main", 5, true),
        ]
    };
    assert_eq!(with("a", "javascript", js(1)), with("b", "javascript", js(2)), "messages and lines move");
    assert_ne!(
        with("a", "javascript", js(1)),
        with("a", "javascript", vec![frame("src/search.ts", "list", 1, true)])
    );
    let none = vec![foreign.clone()];
    assert_ne!(
        with("a", "javascript", none.clone()),
        with("b", "javascript", none),
        "no own frame: the message"
    );
    let nameless = |line| vec![frame("server.mjs", "<anonymous>", line, true)];
    assert_ne!(with("a", "javascript", nameless(1)), with("a", "javascript", nameless(2)));
    let deep = |outer: &str, inner: &str| {
        let mut frames = vec![frame("app.py", outer, 1, true)];
        frames.extend(["a", "b"].map(|f| frame("app.py", f, 1, true)));
        frames.push(frame("app.py", inner, 1, true));
        frames
    };
    assert_eq!(
        with("m", "python", deep("x", "i")),
        with("m", "python", deep("y", "i")),
        "python's outermost is first"
    );
    assert_ne!(with("m", "python", deep("x", "i")), with("m", "python", deep("x", "j")));
}

#[test]
fn what_belongs_to_a_group() {
    assert!(is_error(&failure("t", None, "m")));
    let mut e = failure("t", None, "m");
    e.flags.nested = true;
    assert!(!is_error(&e));
    let mut e = failure("t", None, "m");
    e.flags.declared_error = true;
    assert!(!is_error(&e));
    for status in [Status::Ok, Status::Timeout, Status::Lost, Status::Cancelled, Status::TransportError] {
        let mut e = failure("t", None, "m");
        e.status = Some(status);
        assert_eq!(fingerprint(&e), None, "{status}");
    }
    let mut e = failure("t", None, "m");
    e.kind = Kind::Exception;
    e.status = None;
    assert!(is_error(&e));
    e.error = None;
    assert!(!is_error(&e));
}

#[test]
fn titles_are_those_of_the_group() {
    for (kind, message, expect) in [
        (Some("TypeError"), "order 7 not found\nmore", "TypeError: order <n> not found"),
        (None, "order 7 not found", "order <n> not found"),
        (Some("KeyError"), "KeyError: 'x'", "KeyError: <str>"),
        (Some("KeyError"), "", "KeyError"),
        (None, "", "tool_error without a message"),
    ] {
        assert_eq!(title(&failure("t", kind, message)), expect);
    }
    assert_eq!(title(&failure("t", None, &"word ".repeat(100))).chars().count(), TITLE_CHARS);
}

#[test]
fn classes_follow_the_table() {
    use ErrorClass::*;
    #[rustfmt::skip]
    let cases = [
        (None, "MCP error -32602: Tool nope not found", UnknownTool),
        (None, "Unknown tool: nope", UnknownTool),
        (None, "MCP error -32602: Input validation error: Invalid arguments for tool search: expected string", InputSchema),
        (Some("ToolError"), "1 validation error for searchArguments\nquery\n  Field required", InputSchema),
        (Some("ZodError"), "[…]", InputSchema),
        (Some("InvalidParams"), "cannot frobnicate x", InputSchema),
        (None, "missing field `query` at line 1 column 2", InputSchema),
        (None, "Output validation error: Tool search has an output schema but no structured content was provided", OutputSchema),
        (None, "rate limit exceeded: retry in 30s", RateLimit),
        (None, "Request failed with status code 429", RateLimit),
        (None, "HTTP 401 from upstream", Auth),
        (None, "Request failed with status code 401", Auth),
        (None, "token expired", Auth),
        (None, "Error: 403", Permission),
        (None, "EACCES: permission denied, open '/etc/shadow'", Permission),
        (None, "context deadline exceeded", Timeout),
        (Some("TimeoutError"), "query took longer than 5 s", Timeout),
        (None, "connect ECONNREFUSED 127.0.0.1:5432", Transport),
        (None, "getaddrinfo ENOTFOUND api.example.com", Transport),
        (None, "Request failed with status code 503", Upstream),
        (None, "HTTP/1.1 502 from the warehouse", Upstream),
        (None, "duplicate key value violates unique constraint \"orders_pkey\"", StateConflict),
        (None, "SKU-1042 is out of stock", StateConflict),
        (None, "database is locked", StateConflict),
        (None, "cart is empty, add an item first", MissingPrecondition),
        (None, "SHOP_TOKEN is not set", MissingPrecondition),
        (None, "No results for 'blue shoes'", EmptyAsError),
        (None, "order 77 not found", NotFound),
        (Some("ResourceNotFound"), "resource not found: shop://policy/warranty", NotFound),
        (None, "quantity 0 of SL-1042 is out of range 1 to 99", InputSchema),
        (None, "country must match ^[A-Z]{2}$", InputSchema),
        (None, "422 unprocessable entity: reason", InputSchema),
        (None, "you must be signed in: sign in first", Auth),
        (None, "delivery_date tomorrow is not a date of the form YYYY-MM-DD", InputSchema),
        (Some("KeyError"), "'inner'", NotFound),
        (None, "ENOENT: no such file or directory", NotFound),
        (Some("TypeError"), "Cannot read properties of undefined (reading 'x')", Internal),
        (None, "kaboom", Internal),
        (None, "", Internal),
    ];
    for (kind, message, class) in cases {
        assert_eq!(class_of(&failure("t", kind, message)), class, "{kind:?} {message:?}");
    }
    let mut e = failure("t", None, "nope");
    e.error_code = Some(-32_602);
    assert_eq!(class_of(&e), InputSchema);
    e.flags.unknown_tool = true;
    assert_eq!(class_of(&e), UnknownTool);
}

proptest! {
    #[test]
    fn any_text_is_normalised_without_panic_and_stays_short(text in "\\PC{0,300}") {
        let normal = normalise(&text);
        prop_assert!(normal.len() <= text.len() * 7 + 7);
        let mut e = failure("t", None, &text);
        if let Some(error) = &mut e.error {
            error.chain.push(Cause::default());
        }
        let _ = (class_of(&e), title(&e), fingerprint(&e));
    }

    #[test]
    fn inv_04_other_numbers_and_ids_are_the_same_group(
        a in (0u32..99_999_999, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[a-z ]{1,12}"),
        b in (0u32..99_999_999, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[a-z ]{1,12}"),
    ) {
        let message = |(n, uuid, quoted): &(u32, String, String)| {
            format!("order {n} of {uuid} at line {n}: \"{quoted}\" took {n}ms (/srv/{n}/x.log)")
        };
        prop_assert_eq!(normalise(&message(&a)), normalise(&message(&b)));
    }
}

#[test]
fn hostile_messages_cost_no_more_than_their_length() {
    for text in [
        "'".repeat(4_096),
        "' a".repeat(1_400),
        "input_value=".repeat(340),
        "\"'".repeat(2_000),
        "a_1".repeat(1_300),
        ":".repeat(4_096),
    ] {
        assert!(normalise(&text).len() <= LONGEST, "{}", &text[..8]);
    }
}

/// Nothing of a message beyond this many bytes survives.
const LONGEST: usize = 8 * 2_048;
