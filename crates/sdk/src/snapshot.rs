//! What callbacks see of a request, as owned copies taken before anything is awaited (SDK-14), and what `identify` answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use rmcp::model::JsonObject;
use trackway_event::{Actor, ActorId, Peer};

/// Longest traits of a user, bytes of JSON (SDK-45).
const TRAITS_BYTES: usize = 16 * 1024;

/// The request a callback is asked about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestInfo {
    /// MCP method, such as `tools/call`.
    pub method: &'static str,
    /// Tool, prompt or resource, where the method names one.
    pub name: Option<String>,
    /// Arguments of a tool call, as they came.
    pub arguments: Option<JsonObject>,
}

/// What surrounds a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Extra {
    /// HTTP headers; empty over stdio. They are for the callback only: none is recorded beyond the few of SDK-91.
    pub headers: HeaderMap,
    /// The MCP session id of the transport, where there is one.
    pub mcp_session: Option<String>,
    /// The JSON-RPC id.
    pub request_id: String,
    /// The request's `_meta`.
    pub meta: serde_json::Map<String, serde_json::Value>,
    /// The client, as far as it named itself.
    pub client: Option<Peer>,
    pub(crate) extensions: Arc<http::Extensions>,
}

impl Extra {
    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What a layer before the MCP server left in the HTTP request's extensions, such as verified claims.
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions.get::<T>()
    }
}

/// A user as `identify` names them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserIdentity {
    id: String,
    name: Option<String>,
    data: serde_json::Map<String, serde_json::Value>,
    groups: BTreeMap<String, String>,
}

impl UserIdentity {
    /// A user of this id: what tells them apart in your system, 1 to 400 characters. Blank ids and placeholders such as `null` or
    /// `anonymous` count as none.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// Their shown name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A property of theirs; all together at most 16 KiB of JSON, beyond which none is sent.
    #[must_use]
    pub fn data(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.data.insert(key.into(), value.into());
        self
    }

    /// A group they act for, such as `organization`.
    #[must_use]
    pub fn group(mut self, kind: impl Into<String>, key: impl Into<String>) -> Self {
        self.groups.insert(kind.into(), key.into());
        self
    }

    /// As events carry it; `None` where the id is none (SDK-45).
    pub(crate) fn actor(&self) -> Option<Actor> {
        let (id, _) = ActorId::parse(&self.id)?;
        let small = serde_json::to_vec(&self.data).is_ok_and(|json| json.len() <= TRAITS_BYTES);
        if !small {
            tracing::warn!("the data of a user is over 16 KiB and was left out");
        }
        let traits = if small { self.data.clone() } else { serde_json::Map::new() };
        Some(Actor { id, name: self.name.as_deref().map(Into::into), traits })
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (Box<str>, Box<str>)> {
        self.groups.iter().map(|(kind, key)| (kind.as_str().into(), key.as_str().into()))
    }
}
