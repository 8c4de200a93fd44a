//! The edit that puts `trackway wrap` before a server's command in a client's settings, and its undoing: bytes are put in and
//! taken out, nothing else moves.

use std::ops::Range;

use super::jsonc::{document, elements, get, string};

/// Why a settings file cannot be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// The file is no JSON, not even with comments.
    #[error("it is not JSON")]
    NotJson,
    /// There is no server of this name.
    #[error("it names no such server")]
    NoServer,
    /// The server is reached by a URL.
    #[error(
        "the server is reached by a url; start `trackway proxy --upstream URL` and name its address with --via"
    )]
    ByUrl,
    /// The entry has no command, or one that is no text.
    #[error("the server's entry has no command that can be wrapped")]
    NoCommand,
    /// It is attached.
    #[error("the server is attached already")]
    Attached,
    /// It is not attached.
    #[error("the server is not attached")]
    NotAttached,
}

/// Whether the entry had `args` before it was attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Args {
    Had,
    HadNot,
}

/// One of the places in a document where servers may be listed.
pub(super) type Path<'a> = &'a [&'a str];

/// The entry of the server.
pub(super) fn entry(text: &str, path: Path<'_>, name: &str) -> Result<Range<usize>, Problem> {
    let mut at = document(text).ok_or(Problem::NotJson)?;
    for key in path.iter().chain([&name]) {
        at = get(text, &at, key).ok_or(Problem::NoServer)?;
    }
    Ok(at)
}

/// The document with the server's command behind `program` and `words`.
pub(super) fn attach(
    text: &str,
    path: Path<'_>,
    name: &str,
    program: &str,
    words: &[String],
) -> Result<String, Problem> {
    let entry = entry(text, path, name)?;
    let Some(command) = get(text, &entry, "command") else {
        return Err(if get(text, &entry, "url").is_some() { Problem::ByUrl } else { Problem::NoCommand });
    };
    string(text, &command).ok_or(Problem::NoCommand)?;
    let args = get(text, &entry, "args");
    let listed = match &args {
        Some(args) => elements(text, args).ok_or(Problem::NoCommand)?,
        None => Vec::new(),
    };
    if ours(text, &listed).is_some() {
        return Err(Problem::Attached);
    }
    let old = text.get(command.clone()).ok_or(Problem::NoCommand)?;
    let mut front: Vec<String> = words.iter().map(|w| quoted(w)).collect();
    front.push(quoted("--"));
    front.push(old.to_owned());
    let front = front.join(", ");
    let mut edits = vec![(command.clone(), quoted(program))];
    edits.push(match (args, listed.first()) {
        (Some(_), Some(first)) => (first.start..first.start, format!("{front}, ")),
        (Some(args), None) => (args.start + 1..args.start + 1, front),
        (None, _) => (command.end..command.end, format!(", \"args\": [{front}]")),
    });
    Ok(apply(text, edits))
}

/// The document as it was before [`attach`]; `args` tells whether there were any.
pub(super) fn detach(text: &str, path: Path<'_>, name: &str, args: Args) -> Result<String, Problem> {
    let entry = entry(text, path, name)?;
    let command = get(text, &entry, "command").ok_or(Problem::NotAttached)?;
    let array = get(text, &entry, "args").ok_or(Problem::NotAttached)?;
    let listed = elements(text, &array).ok_or(Problem::NotAttached)?;
    let ours = ours(text, &listed).ok_or(Problem::NotAttached)?;
    let (Some(first), Some(old)) = (listed.first(), listed.get(ours)) else {
        return Err(Problem::NotAttached);
    };
    let original = text.get(old.clone()).ok_or(Problem::NotAttached)?.to_owned();
    let rest = listed.get(ours + 1);
    let cut = match (rest, args) {
        (Some(next), _) => first.start..next.start,
        (None, Args::Had) => first.start..old.end,
        (None, Args::HadNot) => command.end..array.end,
    };
    Ok(apply(text, vec![(command, original), (cut, String::new())]))
}

/// The words that were put before the server's command.
pub(super) fn words_of(text: &str, path: Path<'_>, name: &str) -> Option<(String, Vec<String>)> {
    let entry = entry(text, path, name).ok()?;
    let listed = elements(text, &get(text, &entry, "args")?)?;
    let ours = ours(text, &listed)?;
    let words = listed.iter().take(ours - 1).map(|at| string(text, at)).collect::<Option<Vec<_>>>()?;
    Some((string(text, &get(text, &entry, "command")?)?, words))
}

/// Whether the entry has `args`.
pub(super) fn args_of(text: &str, path: Path<'_>, name: &str) -> Option<Args> {
    let entry = entry(text, path, name).ok()?;
    Some(if get(text, &entry, "args").is_some() { Args::Had } else { Args::HadNot })
}

/// The document with the server's URL replaced.
pub(super) fn redirect(text: &str, path: Path<'_>, name: &str, to: &str) -> Result<String, Problem> {
    let entry = entry(text, path, name)?;
    let url = get(text, &entry, "url").ok_or(Problem::NoCommand)?;
    if string(text, &url).as_deref() == Some(to) {
        return Err(Problem::Attached);
    }
    Ok(apply(text, vec![(url, quoted(to))]))
}

/// The document with the URL that the original has, as it is written there.
pub(super) fn restore_url(text: &str, original: &str, path: Path<'_>, name: &str) -> Result<String, Problem> {
    let url = |text: &str| get(text, &entry(text, path, name).ok()?, "url");
    let (Some(now), Some(before)) = (url(text), url(original)) else { return Err(Problem::NotAttached) };
    let before = original.get(before).unwrap_or_default();
    if text.get(now.clone()) == Some(before) {
        return Err(Problem::NotAttached);
    }
    Ok(apply(text, vec![(now, before.to_owned())]))
}

/// The position of the wrapped command among the arguments, when they begin with `wrap … --`.
fn ours(text: &str, listed: &[Range<usize>]) -> Option<usize> {
    let word = |at: &Range<usize>| string(text, at);
    if listed.first().and_then(word).as_deref() != Some("wrap") {
        return None;
    }
    let dashes = listed.iter().position(|at| word(at).as_deref() == Some("--"))?;
    let named = listed.iter().take(dashes).any(|at| word(at).as_deref() == Some("--project"));
    (named && listed.len() > dashes + 1).then_some(dashes + 1)
}

fn quoted(word: &str) -> String {
    serde_json::Value::from(word).to_string()
}

fn apply(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(at, _)| at.start);
    let mut out = String::with_capacity(text.len() + 256);
    let mut from = 0;
    for (at, with) in edits {
        out.push_str(text.get(from..at.start).unwrap_or_default());
        out.push_str(&with);
        from = at.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path<'_> = &["mcpServers"];

    fn words() -> Vec<String> {
        ["wrap", "--project", "proj_shop"].map(String::from).to_vec()
    }

    const FILES: &[&str] = &[
        r#"{"mcpServers":{"shop":{"command":"node","args":["server.js"]}}}"#,
        r#"{"mcpServers":{"shop":{"command":"node","args":[]}}}"#,
        r#"{"mcpServers":{"shop":{"command":"node","args":[ ]}}}"#,
        r#"{"mcpServers":{"shop":{"command":"node"}}}"#,
        r#"{"mcpServers":{"shop":{"command":"node","env":{"A":"1"}}},"numbers":123456789012345678901234567890}"#,
        "\u{feff}{\r\n\t// the servers\r\n\t\"mcpServers\": {\r\n\t\t\"other\": {\"command\": \"x\", \"args\": [\"wrap\"]}, /* and */\r\n\t\t\"sh\\u006fp\": {\r\n\t\t\t\"args\": [\r\n\t\t\t\t// first\r\n\t\t\t\t\"-y\", // yes\r\n\t\t\t\t\"caf\\u00e9\",\r\n\t\t\t],\r\n\t\t\t\"command\": \"C:\\\\np\\u0078.cmd\", // it\r\n\t\t},\r\n\t},\r\n}\r\n",
        r#"{"mcpServers":{"shop":{"command":"old"},"shop":{"command":"node" , "args" : [ "a" , "--" , "b" ] }}}"#,
    ];

    #[test]
    fn attaching_and_detaching_restores_every_byte() {
        for file in FILES {
            let attached = attach(file, PATH, "shop", "/opt/trackway", &words()).unwrap();
            assert_ne!(&attached, file);
            let entry = entry(&attached, PATH, "shop").unwrap();
            let args = elements(&attached, &get(&attached, &entry, "args").unwrap()).unwrap();
            let args: Vec<String> = args.iter().map(|a| string(&attached, a).unwrap()).collect();
            assert_eq!(args[..4], ["wrap", "--project", "proj_shop", "--"]);
            assert_eq!(attach(&attached, PATH, "shop", "/opt/trackway", &words()), Err(Problem::Attached));
            assert_eq!(
                words_of(&attached, PATH, "shop"),
                Some(("/opt/trackway".to_owned(), words())),
                "{attached}"
            );
            let had = args_of(file, PATH, "shop").unwrap();
            assert_eq!(&detach(&attached, PATH, "shop", had).unwrap(), file);
        }
    }

    #[test]
    fn what_is_no_settings_file_or_no_command_is_told() {
        for (file, problem) in [
            ("", Problem::NotJson),
            ("{", Problem::NotJson),
            ("{} x", Problem::NotJson),
            ("{'mcpServers':{}}", Problem::NotJson),
            ("{/* no end", Problem::NotJson),
            ("{}", Problem::NoServer),
            (r#"{"mcpServers":[]}"#, Problem::NoServer),
            (r#"{"mcpServers":{"shop":{"url":"http://x"}}}"#, Problem::ByUrl),
            (r#"{"mcpServers":{"shop":{"command":7}}}"#, Problem::NoCommand),
            (r#"{"mcpServers":{"shop":7}}"#, Problem::NoCommand),
            (r#"{"mcpServers":{"shop":{"command":"x","args":"y"}}}"#, Problem::NoCommand),
        ] {
            assert_eq!(attach(file, PATH, "shop", "t", &words()), Err(problem), "{file}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(attach(&deep, PATH, "shop", "t", &words()), Err(Problem::NotJson));
        let plain = FILES[0];
        assert_eq!(detach(plain, PATH, "shop", Args::Had), Err(Problem::NotAttached));
    }
}
