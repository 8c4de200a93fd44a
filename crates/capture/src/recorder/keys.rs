//! One-way keys for what must not leave in clear: conversation keys of clients, task ids, request states, trace ids
//! (CAP §3 "Hashing"). Equal over replicas and restarts, different for each project, salt and label.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use trackway_event::ProjectId;

/// HMAC-SHA-256 (RFC 2104) under the project's key.
#[derive(Clone)]
pub(super) struct Keys(Hmac<Sha256>);

impl Keys {
    /// The key is the SHA-256 of `trackway`, the project's id and the operator's salt.
    pub(super) fn new(project: &ProjectId, salt: Option<&str>) -> Self {
        let key: [u8; 32] = Sha256::new_with_prefix("trackway")
            .chain_update(project.as_str())
            .chain_update(salt.unwrap_or_default())
            .finalize()
            .into();
        Self(Hmac::new_from_slice(&key).expect("an HMAC takes a key of any length"))
    }

    /// The first 128 bits of the HMAC of `label NUL value`, in hex.
    pub(super) fn of(&self, label: &str, value: &str) -> String {
        let hmac = self.0.clone().chain_update(label).chain_update([0]).chain_update(value);
        let digest: [u8; 32] = hmac.finalize().into_bytes().into();
        trackway_event::id::hex(digest.get(..16).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_stable_and_apart_by_project_salt_and_label() {
        let project = |p: &str| ProjectId::parse(p).unwrap();
        let key = Keys::new(&project("proj_a"), None).of("task", "t1");
        assert_eq!(key.len(), 32);
        assert_eq!(key, Keys::new(&project("proj_a"), None).of("task", "t1"));
        for other in [
            Keys::new(&project("proj_b"), None).of("task", "t1"),
            Keys::new(&project("proj_a"), Some("s")).of("task", "t1"),
            Keys::new(&project("proj_a"), None).of("state", "t1"),
            Keys::new(&project("proj_a"), None).of("task", "t2"),
        ] {
            assert_ne!(key, other);
        }
    }

    #[test]
    fn the_hmac_is_that_of_rfc_2104() {
        // Computed apart, with key sha256("trackwayproj_a") and message "task\0t1".
        let key = Keys::new(&ProjectId::parse("proj_a").unwrap(), None).of("task", "t1");
        assert_eq!(key, "a4b7465894753d36f97bb1a56cf5e931");
    }
}
