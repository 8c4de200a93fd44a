//! Who counts as a person: legal actor ids, and the merged facts of one actor.

use trackway_event::{Actor, Event};

/// The event's actor, unless its id is one that stands for nobody (PH I5, I12): such an event is anonymous.
pub fn legal_actor(event: &Event) -> Option<&Actor> {
    event.actor.as_deref().filter(|a| is_legal_id(a.id.as_str()))
}

/// Whether an id can name a person. Illegal are placeholders that clients send for "nobody" (PH I5, and the nil UUID),
/// blank ids and those with a NUL.
pub fn is_legal_id(id: &str) -> bool {
    /// The longest placeholder is the nil UUID with quotes.
    const LONGEST: usize = 38;
    let id = id.trim();
    if id.is_empty() || id.contains('\0') {
        return false;
    }
    if id.len() > LONGEST {
        return true;
    }
    let bare = ['"', '\'']
        .into_iter()
        .find_map(|quote| id.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(id)
        .trim();
    const ANY_CASE: &[&str] = &[
        "",
        "anonymous",
        "guest",
        "distinctid",
        "distinct_id",
        "id",
        "not_authenticated",
        "email",
        "undefined",
        "true",
        "false",
    ];
    const EXACT: &[&str] =
        &["[object Object]", "NaN", "None", "none", "null", "0", "00000000-0000-0000-0000-000000000000"];
    !ANY_CASE.iter().any(|word| word.eq_ignore_ascii_case(bare)) && !EXACT.contains(&bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_name_nobody() {
        for bad in [
            "",
            " ",
            "anonymous",
            "Anonymous",
            "GUEST",
            "distinct_id",
            "DistinctId",
            "id",
            "ID",
            "email",
            "undefined",
            "TRUE",
            "false",
            "not_authenticated",
            "[object Object]",
            "NaN",
            "None",
            "none",
            "null",
            "0",
            "'0'",
            "\"null\"",
            "'Guest'",
            "\"\"",
            "a\0b",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert!(!is_legal_id(bad), "{bad:?}");
        }
        for good in [
            "u_1",
            "Null",
            "NONE",
            "nan",
            "00",
            "alice@example.com",
            "'alice'",
            "[object object]",
            "'",
            "日本",
        ] {
            assert!(is_legal_id(good), "{good:?}");
        }
    }
}
