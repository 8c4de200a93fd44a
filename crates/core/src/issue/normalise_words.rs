//! What a chunk of a message is: the recognisers behind [`super::normalise`]. Each is linear in its chunk.

/// What becomes of a run of letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// It stays.
    Keep,
    /// `head` bytes stay, then the placeholder, then the last `tail` bytes.
    Replace { head: usize, placeholder: &'static str, tail: usize },
}

/// A chunk that is one thing as a whole: bytes of it that stay in front, and what stands for the rest.
pub(super) fn whole(chunk: &str) -> Option<(usize, &'static str)> {
    if is_path(chunk) {
        return Some((0, "<path>"));
    }
    if is_email(chunk) {
        return Some((0, "<email>"));
    }
    if let Some(keep) = uuid_at_end(chunk) {
        return Some((keep, "<uuid>"));
    }
    if is_time(chunk) {
        return Some((0, "<time>"));
    }
    if is_address(chunk) {
        return Some((0, "<addr>"));
    }
    let hex = chunk.strip_prefix("0x").or_else(|| chunk.strip_prefix("0X"));
    if hex.is_some_and(|h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Some((0, "<hex>"));
    }
    (chunk.len() > 30 && chunk.starts_with("eyJ") && chunk.contains('.')).then_some((0, "<id>"))
}

/// Judges one run. `before` is the word joined to it by `_` or `-`; `after_status` says that a status code may come.
pub(super) fn run(run: &str, before: &str, after_status: bool) -> Run {
    let bytes = run.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let number = Run::Replace { head: 0, placeholder: "<n>", tail: 0 };
    let id = Run::Replace { head: 0, placeholder: "<id>", tail: 0 };
    if digits == 0 {
        return Run::Keep;
    }
    if keeps_its_number(before) {
        return Run::Keep;
    }
    let joined = !before.is_empty();
    if digits == bytes.len() {
        return match bytes.len() {
            3 if after_status => Run::Keep,
            4.. if joined => id,
            _ => number,
        };
    }
    let changes = bytes.windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    if joined && bytes.len() >= 4 {
        return id;
    }
    if hex && bytes.len() >= 8 {
        return Run::Replace { head: 0, placeholder: "<hex>", tail: 0 };
    }
    if (bytes.len() >= 16 && digits >= 2 || bytes.len() >= 6) && changes >= 3 && !is_duration(bytes) {
        return id;
    }
    if is_duration(bytes) && changes >= 2 {
        return number;
    }
    let (first_is_digit, last_is_digit) =
        (bytes[0].is_ascii_digit(), bytes[bytes.len() - 1].is_ascii_digit());
    if changes == 1 && first_is_digit {
        let unit = bytes.len() - digits;
        return if unit <= 4 { Run::Replace { head: 0, placeholder: "<n>", tail: unit } } else { Run::Keep };
    }
    if changes == 1 && last_is_digit {
        let head = bytes.len() - digits;
        let word = run.split_at(head).0;
        let code =
            word.len() <= 4 && word.bytes().all(|b| b.is_ascii_uppercase()) && (3..=5).contains(&digits);
        return if code || names_a_format(word) {
            Run::Keep
        } else {
            Run::Replace { head, placeholder: "<n>", tail: 0 }
        };
    }
    Run::Keep
}

/// `1m30s`, `2h3m`.
fn is_duration(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_digit)
        && bytes.len() <= 12
        && bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'd' | b'h' | b'm' | b's' | b'u' | b'n'))
        && bytes.last().is_some_and(u8::is_ascii_alphabetic)
}

/// Words whose number is part of the name: `ORA-00942`, `CVE-2024`, `RFC-7231`.
fn keeps_its_number(word: &str) -> bool {
    matches!(
        word,
        "ORA"
            | "TNS"
            | "PLS"
            | "CVE"
            | "RFC"
            | "ISO"
            | "UTF"
            | "utf"
            | "SHA"
            | "HTTP"
            | "TLS"
            | "ERR"
            | "DB"
            | "SQL"
    )
}

/// Words that are names of formats and types together with the number behind them.
fn names_a_format(word: &str) -> bool {
    const FORMATS: &[&str] = &[
        "sha", "md", "utf", "base", "int", "uint", "float", "i", "u", "f", "http", "ipv", "oauth", "es", "s",
        "ec", "h", "x", "mp", "k", "p", "gpt", "tls", "ssl", "crc", "latin", "iso", "cp", "win", "arm",
        "amd", "neo", "log", "d",
    ];
    FORMATS.iter().any(|f| f.eq_ignore_ascii_case(word))
}

/// Words after which a three-digit number is a status and stays.
pub(super) fn names_a_status(word: &str) -> bool {
    ["status", "code", "http", "statuscode", "status_code", "errno"]
        .iter()
        .any(|w| w.eq_ignore_ascii_case(word))
}

/// JSON keys whose value names the sort of error.
pub(super) fn names_a_code(key: &str) -> bool {
    const KEYS: &[&str] =
        &["code", "type", "error", "reason", "status", "keyword", "expected", "received", "name"];
    KEYS.contains(&key)
}

/// A short word such as `invalid_type`.
pub(super) fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b'.'))
}

/// `Mon`, `January`.
pub(super) fn is_day_or_month(word: &str) -> bool {
    const NAMES: &[&str] = &[
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    word.len() >= 3 && NAMES.iter().any(|n| *n == word || n.get(..3) == Some(word)) || word == "Sept"
}

/// `/a/b`, `./a`, `~/a`, `C:\\a`, `src/a.ts:12:5`, `a/b/c`, `/items/0/name`; not `tools/call` or `and/or`.
fn is_path(chunk: &str) -> bool {
    let bytes = chunk.as_bytes();
    let rooted =
        ["/", "./", "../", "~/"].iter().any(|p| chunk.strip_prefix(p).is_some_and(|r| !r.is_empty()));
    let drive = matches!(bytes, [d, b':', b'\\' | b'/', ..] if d.is_ascii_alphabetic());
    if rooted || drive || chunk.matches('\\').count() >= 2 {
        return true;
    }
    let Some((folders, file)) = chunk.rsplit_once('/') else { return false };
    let numeric = bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'.' | b':'));
    if numeric || folders.is_empty() {
        return false;
    }
    let file = file.split_once(':').map_or(file, |(name, _)| name);
    let extension = file.rsplit_once('.').is_some_and(|(name, ext)| {
        !name.is_empty() && (1..=5).contains(&ext.len()) && ext.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    folders.contains('/') || extension
}

fn is_email(chunk: &str) -> bool {
    chunk.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.contains('/') && !domain.contains('@')
    })
}

/// Where a UUID begins that the chunk ends with, or the whole chunk is 32 hex digits.
fn uuid_at_end(chunk: &str) -> Option<usize> {
    let keep = chunk.len().checked_sub(36)?;
    let tail = chunk.get(keep..)?.as_bytes();
    let shaped = tail.iter().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    shaped.then_some(keep)
}

/// `2026-01-02`, `2026-01-02T03:04:05.678Z`, `2026/01/02`, `01/02/2026`, `03:04:05`, `3:04`.
fn is_time(chunk: &str) -> bool {
    let bytes = chunk.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let shape = |pattern: &[u8], bytes: &[u8]| {
        bytes.len() >= pattern.len()
            && pattern.iter().zip(bytes).all(|(p, b)| if *p == b'0' { b.is_ascii_digit() } else { p == b })
    };
    for pattern in [&b"0000-00-00"[..], b"0000/00/00", b"00/00/0000", b"00.00.0000"] {
        if shape(pattern, bytes) {
            let after = &bytes[pattern.len()..];
            return match after.first() {
                None => true,
                Some(b'T' | b't') => after[1..].first().is_some_and(u8::is_ascii_digit),
                Some(_) => false,
            };
        }
    }
    let clock = |pattern: &[u8]| {
        shape(pattern, bytes)
            && bytes[pattern.len()..].iter().all(|b| {
                b.is_ascii_digit()
                    || matches!(b, b':' | b'.' | b'Z' | b'+' | b'-' | b'a' | b'p' | b'm' | b'A' | b'P' | b'M')
            })
    };
    clock(b"00:00") || clock(b"0:00")
}

/// IPv4 and IPv6 with or without port, `localhost:3000`, `db.internal:5432`; not `file.ts:12`.
fn is_address(chunk: &str) -> bool {
    let (host, port) = match chunk.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, Some(port))
        }
        Some(_) | None => (chunk, None),
    };
    let v4 = |text: &str| {
        let text = text.split_once('/').map_or(text, |(ip, _)| ip);
        text.split('.').count() == 4 && text.split('.').all(|p| p.parse::<u8>().is_ok())
    };
    let v6 = chunk.matches(':').count() >= 2
        && chunk.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'%'))
        && chunk.split(':').all(|group| group.len() <= 4 || v4(group))
        && (chunk.contains("::") || chunk.matches(':').count() == 7);
    if v4(host) || v6 {
        return true;
    }
    let named = host == "localhost" || (host.contains('.') && !is_source_file(host));
    port.is_some_and(|p| p.len() <= 5)
        && named
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        && host.bytes().any(|b| b.is_ascii_alphabetic())
}

fn is_source_file(name: &str) -> bool {
    const SOURCES: &[&str] = &[
        "ts", "js", "mjs", "cjs", "tsx", "jsx", "py", "rs", "go", "java", "kt", "rb", "php", "c", "cc",
        "cpp", "h", "cs", "swift",
    ];
    name.rsplit_once('.').is_some_and(|(_, ext)| SOURCES.contains(&ext))
}
