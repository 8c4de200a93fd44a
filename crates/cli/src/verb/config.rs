//! `trackway config show [--origin]`: every setting, its value, and where the value comes from.
//!
//! Invariant (INV-09): the value of a secret is never printed.

use serde_json::json;

use crate::args::{ConfigVerb, Global};
use crate::config::{Layers, Origin, SETTINGS, Setting, Settings, Shown, data_dir};
use crate::failure::Result;
use crate::output;

pub(super) fn run(global: &Global, verb: &ConfigVerb) -> Result<()> {
    let ConfigVerb::Show { origin, json } = verb;
    let layers = super::layers(global, vec![])?;
    // A value of the wrong form is refused here as it would be by `serve`.
    Settings::of(&layers)?;
    if *json {
        let settings = SETTINGS.iter().map(|setting| {
            let (value, origin) = shown(&layers, setting);
            json!({ "key": setting.key, "variable": setting.variable(), "value": value,
                "origin": origin.to_string(), "help": setting.help })
        });
        return output::json(&json!({ "items": settings.collect::<Vec<_>>() }));
    }
    let rows: Vec<Vec<String>> = SETTINGS
        .iter()
        .map(|setting| {
            let (value, from) = shown(&layers, setting);
            let last = if *origin { from.to_string() } else { setting.help.to_owned() };
            vec![setting.key.to_owned(), output::harmless(&value), last]
        })
        .collect();
    output::table(&["KEY", "VALUE", if *origin { "ORIGIN" } else { "WHAT IT DOES" }], &rows)
}

/// A setting's value as it may be shown, and its origin.
fn shown(layers: &Layers, setting: &Setting) -> (String, Origin) {
    let Some((value, origin)) = layers.get(setting.key) else {
        let platform = (setting.key == "data").then(|| data_dir(layers).ok()).flatten();
        let value = platform.map(|dir| dir.path().display().to_string());
        return (value.unwrap_or_default(), Origin::Default);
    };
    let value = match setting.shown {
        Shown::Masked => "********".to_owned(),
        Shown::Plain => match value.as_array() {
            Some(values) => values.iter().filter_map(|v| v.as_str()).collect::<Vec<_>>().join(","),
            None => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        },
    };
    (value, origin.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    #[test]
    fn secrets_are_masked() {
        let sources = Sources { file: None, variables: vec![("TRACKWAY_ADMIN_TOKEN".into(), "hush".into())] };
        let layers = load(&sources, vec![]).unwrap();
        let secret = SETTINGS.iter().find(|setting| setting.key == "admin_token").unwrap();
        assert_eq!(shown(&layers, secret).0, "********");
    }
}
