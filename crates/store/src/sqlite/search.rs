//! Free text as a question to the search index.

/// The words of a text, each quoted and matched as a beginning; all must be there. `None` when it holds no word.
pub(super) fn words(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .take(16)
        .map(|w| format!("\"{w}\"*"))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn nothing_of_the_text_is_syntax() {
        for (text, expect) in [
            ("find order", Some("\"find\"* \"order\"*")),
            ("a\"b* OR NOT (c)", Some("\"a\"* \"b\"* \"OR\"* \"NOT\"* \"c\"*")),
            (" \" * ", None),
            ("日本", Some("\"日本\"*")),
        ] {
            assert_eq!(words(text).as_deref(), expect, "{text:?}");
        }
    }
}
