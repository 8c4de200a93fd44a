//! The agent's own address as evidence, never as an address (D14): what a body says in clear leaves here as a key that only this
//! server can make. Called by `ingest::take` for every event, and for every body that is kept.
//!
//! Invariant: no address in clear reaches a ledger or the quarantine. The secret is made once a project and lives beside its
//! settings, apart from the ledger: who has only the ledger cannot try all addresses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{LazyLock, Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use regex_lite::Regex;
use sha2::Sha256;
use trackway_event::Event;
use trackway_store::{ProjectKey, Store};

/// The setting that holds a project's secret. No setting a person can see or change: it is not in the table.
const SECRET: &str = "secret.address";
/// Secrets that are held.
const PROJECTS: usize = 10_000;

/// The secrets of projects, as far as they were needed.
#[derive(Default)]
pub(crate) struct AddressKeys(Mutex<HashMap<ProjectKey, Box<str>>>);

impl AddressKeys {
    /// Puts a key in the place of an address in clear; takes it away where no key can be made.
    pub(crate) fn hide(&self, store: &dyn Store, project: ProjectKey, event: &mut Event) {
        let Some(ip) = event.address.as_deref().and_then(parse) else { return };
        let secret = self.secret(store, project);
        event.address =
            secret.filter(|_| tells_apart(ip)).map(|secret| keyed(&secret, &ip.to_string()).into());
        if event.address.is_none() && tells_apart(ip) {
            event.note("address_dropped");
        }
    }

    fn secret(&self, store: &dyn Store, project: ProjectKey) -> Option<Box<str>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = held.get(&project) {
            return Some(secret.clone());
        }
        let known = store.settings(project).ok()?.remove(SECRET);
        let secret: Box<str> = match known {
            Some(secret) => secret.into(),
            None => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).ok()?;
                let secret = trackway_event::id::hex(&bytes);
                if let Err(error) = store.set_setting(project, SECRET, Some(&secret)) {
                    tracing::warn!(%error, project = project.0, "no key for addresses could be kept; they are left out");
                    return None;
                }
                secret.into()
            }
        };
        if held.len() >= PROJECTS {
            held.clear();
        }
        held.insert(project, secret.clone());
        Some(secret)
    }
}

/// An address in clear, with or without a port. Anything else is a key already, or nothing that is known.
pub(super) fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|at| at.ip()))?;
    Some(IpAddr::to_canonical(&ip))
}

/// Whether an address says anything of who is behind it: that of the machine itself does not.
fn tells_apart(ip: IpAddr) -> bool {
    !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast()
}

/// A body without the addresses it names, for the quarantine: whose they are is not known there.
pub(super) fn without_addresses(text: &str) -> Cow<'_, str> {
    static NAMED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#""(ip_address|ipAddress|\$ip)"(\s*:\s*)"(?:[^"\\]|\\.)*("|$)"#).ok());
    if !["ip_address", "ipAddress", "$ip"].iter().any(|name| text.contains(name)) {
        return Cow::Borrowed(text);
    }
    match &*NAMED {
        Some(named) => named.replace_all(text, r#""$1"${2}null"#),
        None => Cow::Borrowed(""),
    }
}

/// HMAC-SHA-256, its first 128 bits in hex.
fn keyed(secret: &str, text: &str) -> String {
    let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("an HMAC takes a key of any length");
    let digest: [u8; 32] = hmac.chain_update(text).finalize().into_bytes().into();
    trackway_event::id::hex(digest.split_at(16).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_spelling() {
        for (text, expect) in [
            ("203.0.113.9", Some("203.0.113.9")),
            (" 203.0.113.9 ", Some("203.0.113.9")),
            ("203.0.113.9:4711", Some("203.0.113.9")),
            ("::ffff:203.0.113.9", Some("203.0.113.9")),
            ("2001:DB8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("5d41402abc4b2a76b9719d911017c592", None),
            ("", None),
        ] {
            assert_eq!(parse(text).map(|ip| ip.to_string()).as_deref(), expect, "{text}");
        }
        assert_eq!(keyed("s", "203.0.113.9").len(), 32);
        // RFC 4231, test case 2.
        assert_eq!(keyed("Jefe", "what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c7");
        assert_ne!(keyed("s", "203.0.113.9"), keyed("t", "203.0.113.9"));
    }

    #[test]
    fn what_is_kept_of_a_refused_body_names_no_address() {
        for (body, expect) in [
            (r#"{"a":1,"ip_address" : "203.0.113.9","b":2}"#, r#"{"a":1,"ip_address" : null,"b":2}"#),
            (r#"[{"ipAddress":"::1"},{"$ip":"203.0.113.9"}]"#, r#"[{"ipAddress":null},{"$ip":null}]"#),
            (r#"{"ip_address":"203.0.1"#, r#"{"ip_address":null"#),
            (r#"{"skip_address":"1"}"#, r#"{"skip_address":"1"}"#),
        ] {
            assert_eq!(without_addresses(body), expect);
        }
    }
}
