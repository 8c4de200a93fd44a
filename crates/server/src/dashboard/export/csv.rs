//! Lines of CSV (RFC 4180) that no spreadsheet runs: text that would begin a formula is kept as text by an apostrophe, and
//! hidden characters are shown as marks (`dashboard.md` §10). Called by [`super`].

use serde_json::Value;

use crate::dashboard::hostile;

/// What stands in a cell.
pub(super) enum Cell<'a> {
    /// Text of our own.
    Text(&'a str),
    /// A captured value; nothing where there is none.
    Value(Option<&'a Value>),
}

/// One line with its end.
pub(super) fn line<'a>(cells: impl Iterator<Item = Cell<'a>>) -> String {
    let mut out = String::new();
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(',');
        }
        match cell {
            Cell::Text(text) => put(&mut out, text),
            Cell::Value(None | Some(Value::Null)) => {}
            Cell::Value(Some(Value::String(text))) => put(&mut out, text),
            // numbers and booleans are ours to write: a negative one is no formula
            Cell::Value(Some(value @ (Value::Number(_) | Value::Bool(_)))) => {
                out.push_str(&value.to_string())
            }
            Cell::Value(Some(Value::Array(items))) if items.is_empty() => {}
            Cell::Value(Some(Value::Array(items))) if items.iter().all(Value::is_string) => {
                let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                put(&mut out, &texts.join("; "));
            }
            Cell::Value(Some(Value::Object(members))) if members.is_empty() => {}
            Cell::Value(Some(value @ (Value::Array(_) | Value::Object(_)))) => {
                put(&mut out, &value.to_string())
            }
        }
    }
    out.push_str("\r\n");
    out
}

fn put(out: &mut String, text: &str) {
    let plain = hostile::plain(text, usize::MAX);
    let guarded = if runs(text) { format!("'{plain}") } else { plain };
    if guarded.contains([',', '"', '\n', '\r']) || guarded.starts_with(' ') {
        out.push('"');
        out.push_str(&guarded.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&guarded);
    }
}

/// Whether a spreadsheet might take the text for a formula; blanks and invisible characters in front do not hide one.
fn runs(text: &str) -> bool {
    let blank =
        |c: char| c.is_whitespace() || c.is_control() || hostile::has_marks(c.encode_utf8(&mut [0; 4]));
    if text.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    text.trim_start_matches(blank).starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_by_case() {
        for (value, expect) in [
            (json!("plain"), "plain"),
            (json!(""), ""),
            (json!(null), ""),
            (json!(-2.5), "-2.5"),
            (json!(true), "true"),
            (json!("a,b"), "\"a,b\""),
            (json!("say \"no\""), "\"say \"\"no\"\"\""),
            (json!("two\nlines"), "two lines"),
            (json!("=1+1"), "'=1+1"),
            (json!("+49 30"), "'+49 30"),
            (json!("-x"), "'-x"),
            (json!("@SUM(A1)"), "'@SUM(A1)"),
            (json!("\t=x"), "' =x"),
            (json!("\r=x"), "' =x"),
            (json!("  =HYPERLINK(\"http://x\",\"y\")"), "\"'  =HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            (json!("\u{200b}=x"), "'⟨U+200B⟩=x"),
            (json!("＝x"), "'＝x"),
            (json!("a\u{202e}b\0"), "a⟨U+202E⟩b⟨U+0000⟩"),
            (json!(["one", "=two"]), "one; =two"),
            (json!(["=one"]), "'=one"),
            (json!([]), ""),
            (json!({"a": 1}), "\"{\"\"a\"\":1}\""),
        ] {
            assert_eq!(
                line([Cell::Value(Some(&value))].into_iter()).trim_end_matches("\r\n"),
                expect,
                "{value}"
            );
        }
    }

    #[test]
    fn a_line_has_as_many_cells_as_columns() {
        let evil = json!("\"a\",\r\n=b");
        assert_eq!(
            line([Cell::Text("x"), Cell::Value(None), Cell::Value(Some(&evil))].into_iter()),
            "x,,\"\"\"a\"\", =b\"\r\n"
        );
    }
}
