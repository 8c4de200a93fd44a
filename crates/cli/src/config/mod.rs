//! The settings: default < TOML file < environment `TRACKWAY_…` < flag (product §5).
//!
//! One table, [`SETTINGS`], names every setting; the layers, the refusal of unknown names, `config show` and the reference
//! in `--help` are made from it. Called by every verb that touches a data directory.
//! Invariant: an unknown key or variable is refused by name, with the nearest known one.

mod layers;
mod typed;

use std::path::PathBuf;

pub(crate) use layers::{Layers, Origin, load};
pub(crate) use typed::{DataDir, LogFormat, Settings, data_dir};

/// The form a setting's value must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// `true` or `false`.
    Switch,
    /// A TOML array of texts; comma-separated in the environment.
    List,
}

/// Whether a setting's value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It may.
    Plain,
    /// It is a secret: masked, and readable from a file through its `…_FILE` variable.
    Masked,
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Key in the TOML file; a dot is a table. In the environment: upper case, `__` for the dot.
    pub(crate) key: &'static str,
    /// The form of its value.
    pub(crate) shape: Shape,
    /// Whether it may be shown.
    pub(crate) shown: Shown,
    /// What holds when nobody sets it, as it would be written in the environment; empty: nothing.
    pub(crate) default: &'static str,
    /// One line on what it does.
    pub(crate) help: &'static str,
}

impl Setting {
    /// The name of its environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("TRACKWAY_{}", self.key.replace('.', "__").to_ascii_uppercase())
    }
}

/// Every setting, in the order in which `config show` prints them.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        key: "data",
        shape: Shape::Text,
        shown: Shown::Plain,
        default: "",
        help: "directory that holds everything; made if missing (default: the platform's data directory)",
    },
    Setting {
        key: "listen",
        shape: Shape::Text,
        shown: Shown::Plain,
        default: "127.0.0.1:7431",
        help: "address and port to serve on",
    },
    Setting {
        key: "hosts",
        shape: Shape::List,
        shown: Shown::Plain,
        default: "",
        help: "host names that pages and API answer to, besides loopback names and the listen address",
    },
    Setting {
        key: "insecure",
        shape: Shape::Switch,
        shown: Shown::Plain,
        default: "false",
        help: "serve plain HTTP on a non-loopback address",
    },
    Setting {
        key: "trusted_proxy",
        shape: Shape::Switch,
        shown: Shown::Plain,
        default: "false",
        help: "a proxy before this server speaks TLS and sets X-Forwarded-For and X-Forwarded-Proto",
    },
    Setting {
        key: "strict_ingest",
        shape: Shape::Switch,
        shown: Shown::Plain,
        default: "false",
        help: "answer 404 instead of 202 to an AgentCat event of an unknown project",
    },
    Setting {
        key: "ingest_prefix",
        shape: Shape::Text,
        shown: Shown::Plain,
        default: "",
        help: "a path under which ingest is answered as well, such as /collect",
    },
    Setting {
        key: "limit.events_per_second",
        shape: Shape::Text,
        shown: Shown::Plain,
        default: "0",
        help: "events a second that each project may send, where it has no limit of its own; 0: no limit",
    },
    Setting {
        key: "limit.events_per_day",
        shape: Shape::Text,
        shown: Shown::Plain,
        default: "0",
        help: "events a day (UTC) that each project may send, where it has no limit of its own; 0: no limit",
    },
    Setting {
        key: "limit.connections",
        shape: Shape::Text,
        shown: Shown::Plain,
        default: "1024",
        help: "connections open at a time; more wait",
    },
    Setting {
        key: "admin_token",
        shape: Shape::Text,
        shown: Shown::Masked,
        default: "",
        help: "a bearer token with all rights, made known at start (at least 32 characters)",
    },
    Setting {
        key: "log.level",
        shape: Shape::Text,
        shown: Shown::Plain,
        default: "info",
        help: "error, warn, info, debug, trace, or a filter per module",
    },
    Setting {
        key: "log.format",
        shape: Shape::Text,
        shown: Shown::Plain,
        default: "auto",
        help: "text, json, or auto: text on a terminal, json otherwise",
    },
];

/// Variables that start with `TRACKWAY_` and are no settings of the server: the proxy's, and the name of the file itself.
pub(crate) const OTHER_VARIABLES: &[&str] = &[
    "TRACKWAY_CONFIG",
    "TRACKWAY_ENDPOINT",
    "TRACKWAY_PROJECT",
    "TRACKWAY_TOKEN",
    "TRACKWAY_TOKEN_FILE",
    "TRACKWAY_ENABLED",
    "TRACKWAY_WRAPPED",
];

/// Settings given as flags of the verb, by key.
pub(crate) type Flags = Vec<(&'static str, toml::Value)>;

/// Where settings come from besides the flags.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// `--config`, or `TRACKWAY_CONFIG`.
    pub(crate) file: Option<PathBuf>,
    /// The environment, as names and values.
    pub(crate) variables: Vec<(String, String)>,
}

impl Sources {
    /// The file named by the flag or else by the environment, and this process's environment.
    pub(crate) fn of_process(file: Option<PathBuf>) -> Self {
        let file = file.or_else(|| std::env::var_os("TRACKWAY_CONFIG").map(PathBuf::from));
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| {
                let name = name.into_string().ok()?;
                // A value that is no text is kept as a broken text, so that it is refused and not overlooked.
                name.starts_with("TRACKWAY_").then(|| (name, value.to_string_lossy().into_owned()))
            })
            .collect();
        Self { file, variables }
    }
}
