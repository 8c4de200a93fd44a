//! A JSON object as its members' texts: read without building values, so that what is kept stays as sent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use trackway_event::Payload;

/// Members in order; of a name that comes twice the last one counts (AC R11).
pub(crate) struct Fields<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads an object; `None` for any other JSON value and for text that is none.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The member of this name, `null` included.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// The text of the member of this name; `null` is as good as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.raw(name).map(RawValue::get).filter(|text| *text != "null")
    }

    /// The object of this name.
    pub(crate) fn object(&self, name: &str) -> Option<Fields<'a>> {
        self.get(name).and_then(Self::parse)
    }

    /// The non-blank string of this name.
    pub(crate) fn string(&self, name: &str) -> Option<String> {
        self.get(name).and_then(string_of).filter(|text| !text.trim().is_empty())
    }

    /// The object again, with the members that `keep` wants, each as sent.
    pub(crate) fn filtered(&self, mut keep: impl FnMut(&str, &str) -> bool) -> Option<Payload> {
        let mut out = String::from("{");
        for (key, value) in &self.0 {
            if keep(key, value.get()) {
                push_member(&mut out, key, value.get());
            }
        }
        out.push('}');
        RawValue::from_string(out).ok()
    }
}

/// Appends `"key":value` to an object that is being written.
pub(crate) fn push_member(out: &mut String, key: &str, value: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    if let Ok(key) = serde_json::to_string(key) {
        out.push_str(&key);
        out.push(':');
        out.push_str(value);
    }
}

/// The string of a JSON text that is one.
pub(crate) fn string_of(text: &str) -> Option<String> {
    text.starts_with('"').then(|| serde_json::from_str(text).ok()).flatten()
}

/// The members of a JSON array's text.
pub(crate) fn items_of(text: &str) -> Option<Vec<&RawValue>> {
    text.starts_with('[').then(|| serde_json::from_str(text).ok()).flatten()
}

/// The text without whitespace outside of strings.
pub(crate) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            in_string = c == '"';
        }
        out.push(c);
    }
    out
}

/// The text without members whose value is `null`, at any depth (AC §11). The depth was checked before.
pub(crate) fn without_nulls(text: &str) -> Cow<'_, str> {
    if !text.contains("null") {
        return Cow::Borrowed(text);
    }
    if let Some(fields) = Fields::parse(text) {
        let mut out = String::from("{");
        for (key, value) in &fields.0 {
            if value.get() != "null" {
                push_member(&mut out, key, &without_nulls(value.get()));
            }
        }
        out.push('}');
        return Cow::Owned(out);
    }
    if let Some(items) = items_of(text) {
        let items: Vec<Cow<'_, str>> = items.iter().map(|item| without_nulls(item.get())).collect();
        return Cow::Owned(format!("[{}]", items.join(",")));
    }
    Cow::Borrowed(text)
}

struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(v.to_owned())))
            }
        }
        d.deserialize_str(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut members = Vec::with_capacity(24);
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Fields(members))
            }
        }
        d.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stay_as_sent() {
        let text = r#"{"b": 1.50, "a" : {"x":[1, 2]}, "b":2e3, "q\"":null}"#;
        let fields = Fields::parse(text).unwrap();
        assert_eq!(fields.get("b"), Some("2e3"));
        assert_eq!(fields.get("q\""), None);
        assert!(fields.raw("q\"").is_some());
        assert_eq!(fields.filtered(|key, _| key != "b").unwrap().get(), r#"{"a":{"x":[1, 2]},"q\"":null}"#);
        assert!(Fields::parse("[1]").is_none() && Fields::parse("{").is_none());
    }

    #[test]
    fn nulls_go_and_numbers_stay() {
        assert_eq!(
            without_nulls(r#"{"a":null,"b":[{"c":null,"d":1.50},null],"e":"null"}"#),
            r#"{"b":[{"d":1.50},null],"e":"null"}"#
        );
        assert_eq!(compact("{ \"a b\" : [ 1 , \"\\\" \" ] }"), "{\"a b\":[1,\"\\\" \"]}");
    }
}
