//! Plain HTTP requests with a deadline, whose refusals are answers and not errors.
//!
//! Used through `Instance`.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// No request of a test takes longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none, showing it.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.text)
            .with_context(|| format!("{} with no JSON: {}", self.status, self.text))
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A client that keeps connections, follows nothing and takes every status as an answer.
pub(crate) fn client() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(DEADLINE))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into()
}

pub(crate) fn get(client: &ureq::Agent, url: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    let request =
        headers.iter().fold(client.get(url), |request, (name, value)| request.header(*name, *value));
    answer(url, request.call())
}

pub(crate) fn post(client: &ureq::Agent, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
    let request =
        headers.iter().fold(client.post(url), |request, (name, value)| request.header(*name, *value));
    answer(url, request.send(body))
}

fn answer(url: &str, got: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer> {
    let mut response = got.with_context(|| format!("no answer from {url}"))?;
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let status = response.status().as_u16();
    let text = response
        .body_mut()
        .with_config()
        .limit(64 * 1024 * 1024)
        .read_to_vec()
        .with_context(|| format!("the answer of {url} broke off"))?;
    Ok(Answer { status, headers, text: String::from_utf8_lossy(&text).into_owned() })
}
