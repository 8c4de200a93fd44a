//! Rules about what the code of single crates may not do: INV-10 and INV-11.
//!
//! Read from the text, tests left out: a word is enough, for none of these has a good use where it is forbidden.

use anyhow::Result;

use super::text::{read, tracked};

/// What is forbidden, where, and why.
struct Rule {
    /// Start of the paths it holds for.
    under: &'static str,
    /// Words that may not stand there.
    words: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        under: "crates/core/src/",
        words: &[
            "SystemTime",
            "Instant",
            "Timestamp::now",
            "Zoned::now",
            "std::env",
            "env::var",
            "std::fs",
            "std::net",
            "std::thread",
            "File::",
            "rand::",
            "getrandom",
        ],
        why: "INV-11: `core` reads no clock, no environment, no disk; pass it in",
    },
    Rule {
        under: "crates/server/src/",
        words: &[
            "TcpStream::connect",
            "TcpSocket",
            "UdpSocket",
            "UnixStream::connect",
            "lookup_host",
            "ToSocketAddrs",
        ],
        why: "the server asks nobody: an address that came with a request is never followed",
    },
    Rule {
        under: "crates/",
        words: &["unbounded_channel", "mpsc::channel()", "unbounded()"],
        why: "INV-10: every queue is bounded; use a channel with a capacity from `event::limits`",
    },
];

/// Where a rule is broken, as `path:line: why`.
///
/// # Errors
/// When the tree cannot be read.
pub(super) fn findings() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in tracked()? {
        if path.ends_with(".rs") && !path.contains("/tests/") && !path.ends_with("tests.rs") {
            findings.extend(of_file(&path, &read(&path).unwrap_or_default()));
        }
    }
    Ok(findings)
}

fn of_file(path: &str, text: &str) -> Vec<String> {
    // Tests come last in a file.
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut findings = Vec::new();
    for rule in RULES.iter().filter(|rule| path.starts_with(rule.under)) {
        for (number, line) in code.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(word) = rule.words.iter().find(|word| code.contains(**word)) {
                findings.push(format!("{path}:{}: `{word}`. {}", number + 1, rule.why));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inv_11_core_reads_no_clock_environment_or_disk() {
        let broken = |text: &str| of_file("crates/core/src/a.rs", text).len();
        assert_eq!(broken("let t = SystemTime::now();\n"), 1);
        assert_eq!(broken("let t = std::fs::read(x);\n"), 1);
        assert_eq!(broken("// no SystemTime here\nlet t = now;\n"), 0);
        assert_eq!(broken("#[cfg(test)]\nmod tests { use std::fs; }\n"), 0);
        assert_eq!(of_file("crates/store/src/a.rs", "std::fs::read(x)").len(), 0);
        let real: Vec<String> = findings().unwrap().into_iter().filter(|f| f.contains("INV-11")).collect();
        assert_eq!(real, Vec::<String>::new());
    }

    #[test]
    fn inv_10_no_queue_is_without_a_bound() {
        assert_eq!(of_file("crates/server/src/a.rs", "let (a, b) = mpsc::unbounded_channel();").len(), 1);
        assert_eq!(of_file("crates/server/src/a.rs", "let (a, b) = mpsc::channel(64);").len(), 0);
        let real: Vec<String> = findings().unwrap().into_iter().filter(|f| f.contains("INV-10")).collect();
        assert_eq!(real, Vec::<String>::new());
    }
}
