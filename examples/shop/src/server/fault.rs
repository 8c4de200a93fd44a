//! The ways in which the shop fails: its database, its carrier, its limits, and what it says about wrong arguments.
//!
//! Called by the tools. Some messages teach the caller what to do, others leave it in the dark, as in real servers: that
//! difference is what a person is to see in the dashboard. Invariant: a failure depends on the seed, the call and the
//! number of the attempt only.

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;

use super::Shop;
use crate::chance::hash;
use crate::options::Weather;

/// After this many searches, one is refused.
const SEARCHES_ALLOWED: u32 = 7;

/// An error result with this text.
pub(super) fn refuse(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// A good answer: structured, and as text.
pub(super) fn answer(value: serde_json::Value) -> CallToolResult {
    CallToolResult::structured(value)
}

/// Whether a text has the form of a SKU: two letters, a dash and four digits.
pub(super) fn is_sku(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes, [a, b, b'-', digits @ ..]
        if a.is_ascii_uppercase() && b.is_ascii_uppercase() && digits.len() == 4 && digits.iter().all(u8::is_ascii_digit))
}

/// Whether a text is a country code of two capital letters.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl Shop {
    /// The database may hold a lock on `row` (tool and row name the call).
    pub(super) async fn locked(&self, tool: &str, row: &str) -> Option<CallToolResult> {
        let (attempt, drawn) = self.luck.draw(&format!("lock {tool} {row}"));
        if drawn >= self.odds(4, 35, attempt) {
            return None;
        }
        self.work(&format!("lock {row} {attempt}"), 180, 320).await;
        let transaction = hash(self.options.seed, &format!("txn {row} {attempt}"));
        Some(refuse(format!(
            "database is locked: no row lock on {row} within 300 ms (transaction {transaction:016x}); try again"
        )))
    }

    /// The carrier may be away.
    pub(super) async fn carrier_away(&self, tool: &str, key: &str) -> Option<CallToolResult> {
        let (attempt, drawn) = self.luck.draw(&format!("carrier {tool} {key}"));
        if drawn >= self.odds(6, 72, attempt) {
            return None;
        }
        self.work(&format!("carrier {key} {attempt}"), 220, 400).await;
        let request = hash(self.options.seed, &format!("carrier {key} {attempt}")) >> 32;
        Some(CallToolResult::structured_error(json!({
            "error": "upstream_unavailable",
            "message": format!("carrier answered 503 Service Unavailable (request {request:08x})"),
            "retry_after_s": 30
        })))
    }

    /// In a storm the connection pool runs dry, which the server reports as an error of its own.
    pub(super) fn pool_dry(&self, tool: &str, key: &str) -> Result<(), ErrorData> {
        let (_, drawn) = self.luck.draw(&format!("pool {tool} {key}"));
        match self.options.weather {
            Weather::Storm if drawn < 12 => Err(ErrorData::internal_error(
                "connection pool exhausted: 20 of 20 connections in use",
                Some(json!({ "pool": "orders-primary", "waited_ms": 250 })),
            )),
            Weather::Storm | Weather::Calm => Ok(()),
        }
    }

    /// Every eighth search in a row is one too many.
    pub(super) fn too_many_searches(&self) -> Option<CallToolResult> {
        let mut searches = self.searches.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *searches += 1;
        if *searches <= SEARCHES_ALLOWED {
            return None;
        }
        *searches = 0;
        Some(refuse(format!(
            "rate limit: {SEARCHES_ALLOWED} searches in a row are allowed; wait 2 seconds, or use a more exact query"
        )))
    }

    /// The chance of a failure in per cent: in calm weather it halves with each attempt.
    fn odds(&self, calm: u32, storm: u32, attempt: u32) -> u32 {
        match self.options.weather {
            Weather::Calm => calm >> attempt.saturating_sub(1).min(8),
            Weather::Storm => storm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, sku) in
            [("TN-2041", true), ("tn-2041", false), ("2041", false), ("TN2041", false), ("TN-20411", false)]
        {
            assert_eq!(is_sku(text), sku, "{text}");
        }
        for (text, country) in [("DE", true), ("de", false), ("Germany", false), ("", false)] {
            assert_eq!(is_country(text), country, "{text}");
        }
    }
}
