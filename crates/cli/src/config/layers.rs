//! Puts the layers of settings on top of each other and remembers where each value came from.
//!
//! Called through `config::load`. Invariant: unknown names are refused, never skipped.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Value;

use super::{Flags, OTHER_VARIABLES, SETTINGS, Setting, Shape, Shown, Sources};
use crate::failure::{Exit, Failure, Result};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// The table of settings.
    Default,
    /// A TOML file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "env {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// Every setting that has a value, with its origin.
#[derive(Debug)]
pub(crate) struct Layers(BTreeMap<&'static str, (Value, Origin)>);

impl Layers {
    /// The value of a setting and where it came from.
    pub(crate) fn get(&self, key: &str) -> Option<(&Value, &Origin)> {
        self.0.get(key).map(|(value, origin)| (value, origin))
    }

    /// A text; `None` when nobody set it.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|(value, _)| value.as_str()).filter(|text| !text.is_empty())
    }

    /// A switch; off when nobody set it.
    pub(crate) fn switch(&self, key: &str) -> bool {
        self.0.get(key).and_then(|(value, _)| value.as_bool()).unwrap_or(false)
    }

    /// A list; empty when nobody set it.
    pub(crate) fn list(&self, key: &str) -> Vec<String> {
        let values = self.0.get(key).and_then(|(value, _)| value.as_array());
        values.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }
}

/// Reads all layers.
///
/// # Errors
/// With [`Exit::Usage`] when the file cannot be read, a name is unknown, or a value has the wrong form.
pub(crate) fn load(sources: &Sources, flags: Flags) -> Result<Layers> {
    let mut layers = BTreeMap::new();
    for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
        layers.insert(setting.key, (from_text(setting, setting.default)?, Origin::Default));
    }
    if let Some(path) = &sources.file {
        read_file(path, &mut layers)?;
    }
    read_variables(&sources.variables, &mut layers)?;
    for (key, value) in flags {
        layers.insert(key, (value, Origin::Flag));
    }
    Ok(Layers(layers))
}

type Values = BTreeMap<&'static str, (Value, Origin)>;

fn read_file(path: &Path, layers: &mut Values) -> Result<()> {
    let at = |what: &str| format!("the settings file {} {what}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, at("cannot be read"))
            .why(error.to_string())
            .next("name another with --config FILE, or leave it out: no file is needed")
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::new(Exit::Usage, at("is not TOML")).why(error.to_string())
    })?;
    let mut flat = Vec::new();
    flatten("", table, &mut flat);
    for (key, value) in flat {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
            let known = SETTINGS.iter().map(|setting| setting.key.to_owned());
            return Err(Failure::new(Exit::Usage, at(&format!("has an unknown key {key:?}"))).next(nearest(
                &key,
                known,
                "trackway config show lists every key",
            )));
        };
        let value = checked(setting, value).ok_or_else(|| wrong_form(setting, &at("")))?;
        layers.insert(setting.key, (value, Origin::File(path.to_owned())));
    }
    Ok(())
}

fn flatten(prefix: &str, table: toml::Table, into: &mut Vec<(String, Value)>) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(table) => flatten(&key, table, into),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => into.push((key, value)),
        }
    }
}

fn read_variables(variables: &[(String, String)], layers: &mut Values) -> Result<()> {
    for (name, text) in variables {
        if OTHER_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        let (setting, text) = match SETTINGS.iter().find(|setting| setting.variable() == *name) {
            Some(setting) => (setting, text.clone()),
            None => match secret_by_file(name) {
                Some(setting) => (setting, read_secret(name, text)?),
                None => {
                    let known = SETTINGS.iter().map(Setting::variable);
                    let known = known.chain(OTHER_VARIABLES.iter().map(|name| (*name).to_owned()));
                    return Err(Failure::new(
                        Exit::Usage,
                        format!("the environment variable {name} is no setting"),
                    )
                    .next(nearest(
                        name,
                        known,
                        "trackway config show lists every setting",
                    )));
                }
            },
        };
        let value = from_text(setting, &text)?;
        layers.insert(setting.key, (value, Origin::Variable(name.clone())));
    }
    Ok(())
}

/// The secret setting whose value is to be read from a file.
fn secret_by_file(name: &str) -> Option<&'static Setting> {
    let stem = name.strip_suffix("_FILE")?;
    SETTINGS.iter().find(|setting| setting.shown == Shown::Masked && setting.variable() == stem)
}

fn read_secret(name: &str, path: &str) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("the file {path} named by {name} cannot be read"))
            .why(error.to_string())
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A value as it is written in the environment.
fn from_text(setting: &Setting, text: &str) -> Result<Value> {
    let text = text.trim();
    let value = match setting.shape {
        Shape::Text => Some(Value::String(text.to_owned())),
        Shape::Switch => match text {
            "true" | "1" | "yes" | "on" => Some(Value::Boolean(true)),
            "false" | "0" | "no" | "off" | "" => Some(Value::Boolean(false)),
            _ => None,
        },
        Shape::List => Some(Value::Array(
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect(),
        )),
    };
    value.ok_or_else(|| wrong_form(setting, &setting.variable()))
}

/// A value of a file in the setting's form; `None` when it has another.
fn checked(setting: &Setting, value: Value) -> Option<Value> {
    let fits = match setting.shape {
        Shape::Text => value.is_str(),
        Shape::Switch => value.is_bool(),
        Shape::List => value.as_array().is_some_and(|values| values.iter().all(Value::is_str)),
    };
    fits.then_some(value)
}

fn wrong_form(setting: &Setting, place: &str) -> Failure {
    let form = match setting.shape {
        Shape::Text => "a text",
        Shape::Switch => "true or false",
        Shape::List => "a list of texts",
    };
    Failure::new(Exit::Usage, format!("{} must be {form}", setting.key))
        .why(format!("it is something else in {}", place.trim()))
}

/// Names the known name that is most like the unknown one, if any is.
fn nearest(name: &str, known: impl Iterator<Item = String>, otherwise: &str) -> String {
    let best =
        known.map(|known| (strsim::jaro_winkler(name, &known), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, known)) if likeness > 0.8 => format!("did you mean {known}?"),
        Some(_) | None => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str, variables: &[(&str, &str)], flags: Flags) -> Result<Layers> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trackway.toml");
        std::fs::write(&path, text).unwrap();
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        load(&Sources { file: Some(path), variables }, flags)
    }

    #[test]
    fn each_layer_covers_the_one_before() {
        let file = "listen = \"127.0.0.1:1\"\nhosts = [\"a.example\"]\n[log]\nlevel = \"warn\"\n";
        let none = load(&Sources::default(), vec![]).unwrap();
        assert_eq!(none.text("listen"), Some("127.0.0.1:7431"));
        let layers = with_file(file, &[], vec![]).unwrap();
        assert_eq!(layers.text("listen"), Some("127.0.0.1:1"));
        assert_eq!(layers.text("log.level"), Some("warn"));
        assert_eq!(layers.list("hosts"), ["a.example"]);
        let variables = [
            ("TRACKWAY_LISTEN", "127.0.0.1:2"),
            ("TRACKWAY_LOG__LEVEL", "debug"),
            ("TRACKWAY_HOSTS", "b, c"),
        ];
        let layers = with_file(file, &variables, vec![]).unwrap();
        assert_eq!(layers.text("listen"), Some("127.0.0.1:2"));
        assert_eq!(layers.text("log.level"), Some("debug"));
        assert_eq!(layers.list("hosts"), ["b", "c"]);
        let layers = with_file(file, &variables, vec![("listen", "127.0.0.1:3".into())]).unwrap();
        assert_eq!(layers.text("listen"), Some("127.0.0.1:3"));
        assert_eq!(layers.get("listen").map(|(_, origin)| origin), Some(&Origin::Flag));
        assert_eq!(
            layers.get("log.level").map(|(_, origin)| origin.to_string()).as_deref(),
            Some("env TRACKWAY_LOG__LEVEL")
        );
    }

    #[test]
    fn unknown_and_wrong_names_are_refused_with_the_nearest() {
        for (file, variables, expect) in [
            ("listn = \"x\"", &[][..], "did you mean listen?"),
            ("[log]\nlevle = \"x\"", &[], "did you mean log.level?"),
            ("", &[("TRACKWAY_LISEN", "x")], "did you mean TRACKWAY_LISTEN?"),
            ("", &[("TRACKWAY_LOG_LEVEL", "x")], "did you mean TRACKWAY_LOG__LEVEL?"),
            ("", &[("TRACKWAY_LISTEN_FILE", "x")], "did you mean TRACKWAY_LISTEN?"),
            ("insecure = \"yes\"", &[], "insecure must be true or false"),
            ("hosts = \"a\"", &[], "hosts must be a list of texts"),
            ("", &[("TRACKWAY_INSECURE", "maybe")], "insecure must be true or false"),
            ("listen = ", &[], "is not TOML"),
        ] {
            let failure =
                with_file(file, variables, vec![]).err().map(|failure| (failure.code(), failure.to_string()));
            let (code, text) = failure.unwrap();
            assert_eq!(code, 2, "{text}");
            assert!(text.contains(expect), "{text} should say {expect}");
        }
    }

    #[test]
    fn secrets_can_come_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "s3cret\n").unwrap();
        let path = path.display().to_string();
        let layers = with_file("", &[("TRACKWAY_ADMIN_TOKEN_FILE", &path)], vec![]).unwrap();
        assert_eq!(layers.text("admin_token"), Some("s3cret"));
        assert!(with_file("", &[("TRACKWAY_ADMIN_TOKEN_FILE", "/nowhere/at/all")], vec![]).is_err());
    }

    #[test]
    fn variables_of_the_proxy_are_not_the_server_s() {
        assert!(
            with_file("", &[("TRACKWAY_ENDPOINT", "http://x"), ("TRACKWAY_WRAPPED", "1")], vec![]).is_ok()
        );
    }
}
