//! JSON-RPC ids as keys: the type matters (`"1"` is not `1`), numbers compare by value (`1`, `1.0` and `1e0` are one id)
//! (CAP §2.2).

/// A JSON-RPC id that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequestId {
    /// A string, decoded.
    Text(String),
    /// A whole number that a double holds exactly.
    Whole(i64),
    /// Any other number, as written.
    Number(String),
}

impl RequestId {
    /// From the raw JSON of an id; `None` for `null` and what is neither string nor number.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        if raw.first() == Some(&b'"') {
            return serde_json::from_slice(raw).ok().map(Self::Text);
        }
        let text = std::str::from_utf8(raw).ok()?;
        let value: f64 = text.parse().ok().filter(|_| !text.is_empty() && text != "null")?;
        const EXACT: f64 = 9_007_199_254_740_992.0;
        Some(if value.fract() == 0.0 && value.abs() < EXACT {
            Self::Whole(value as i64)
        } else {
            Self::Number(text.to_owned())
        })
    }
}
