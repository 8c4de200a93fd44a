//! Crate borders: what each crate may not reach, over any number of steps, read from `cargo metadata`.
//!
//! Also: every direct dependency has its row in DEPENDENCIES.md, and every row its dependency.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{cargo, root};

/// A crate and what it may not reach in its own build. A name that ends in `-` stands for every crate that begins so.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("trackway-event", &["trackway-", "tokio", "http", "hyper", "axum", "ureq"]),
    ("trackway-core", &["tokio", "http", "hyper", "axum", "ureq", "rusqlite"]),
    ("trackway-capture", &["trackway-core", "trackway-store", "trackway-server"]),
    ("trackway", &["trackway-core", "trackway-store", "trackway-server", "trackway-proxy"]),
    ("trackway-proxy", &["trackway-core", "trackway-store", "trackway-server"]),
    (
        "trackway-store",
        &["http", "hyper", "axum", "ureq", "trackway-capture", "trackway-proxy", "trackway-server"],
    ),
    // No client of any kind: there is no URL the server could be led to, and it never phones home.
    (
        "trackway-server",
        &["trackway-capture", "trackway-proxy", "rmcp", "ureq", "reqwest", "rustls", "hyper-rustls"],
    ),
    ("trackway-shop", &["trackway-"]),
    (
        "trackway-tests",
        &["trackway-core", "trackway-store", "trackway-server", "trackway-proxy", "trackway-cli"],
    ),
];

/// The borders that are crossed, and what DEPENDENCIES.md lacks or has too much.
///
/// # Errors
/// When cargo does not answer.
pub(super) fn findings() -> Result<Vec<String>> {
    let host = host()?;
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host]);
    let output = command.output().context("cargo does not start")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut findings = crossed(&Graph::of(&metadata));
    let table = std::fs::read_to_string(root().join("DEPENDENCIES.md")).context("DEPENDENCIES.md")?;
    findings.extend(unexplained(&metadata, &table));
    Ok(findings)
}

fn host() -> Result<String> {
    let output = std::process::Command::new("rustc").arg("-vV").output().context("rustc does not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Package ids, their names, and the edges of ordinary builds (tests and build scripts left out).
struct Graph {
    names: BTreeMap<String, String>,
    edges: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn of(metadata: &Value) -> Self {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let names = list(&metadata["packages"]).iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect();
        let mut edges = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            let ordinary = list(&node["deps"])
                .into_iter()
                .filter(|dep| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()));
            edges.insert(text(&node["id"]), ordinary.map(|dep| text(&dep["pkg"])).collect());
        }
        Self { names, edges }
    }

    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.names.get(id).map_or(id, String::as_str)
    }

    /// Every package that can be reached, with the path of names that leads there.
    fn reach(&self, from: &str) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut todo = vec![(from.to_owned(), Vec::new())];
        let mut seen = BTreeSet::new();
        while let Some((id, path)) = todo.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            for next in self.edges.get(&id).into_iter().flatten() {
                let mut path = path.clone();
                path.push(self.name(next).to_owned());
                found.entry(self.name(next).to_owned()).or_insert_with(|| path.clone());
                todo.push((next.clone(), path));
            }
        }
        found
    }
}

fn crossed(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, forbidden) in FORBIDDEN {
        let Some(id) = graph.names.iter().find(|(_, known)| known == name).map(|(id, _)| id) else {
            findings.push(format!("the crate {name} of the border table does not exist"));
            continue;
        };
        for (reached, path) in graph.reach(id) {
            let crosses = |rule: &str| rule == reached || (rule.ends_with('-') && reached.starts_with(rule));
            if forbidden.iter().any(|rule| crosses(rule)) {
                findings.push(format!(
                    "{name} may not depend on {reached}, but does: {name} → {}",
                    path.join(" → ")
                ));
            }
        }
    }
    findings
}

fn unexplained(metadata: &Value, table: &str) -> Vec<String> {
    let rows: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split('|').next())
        .map(|cell| cell.trim().trim_matches('`').to_owned())
        .filter(|cell| cell != "crate")
        .collect();
    let mut used = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        // Only our own packages have no source.
        if !package["source"].is_null() {
            continue;
        }
        let owner = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["path"].is_null() {
                let name = dependency["name"].as_str().unwrap_or_default();
                used.entry(name.to_owned()).or_insert_with(|| owner.to_owned());
            }
        }
    }
    let missing = used.iter().filter(|(name, _)| !rows.contains(*name));
    let missing = missing.map(|(name, owner)| format!("DEPENDENCIES.md: no row for {name}, used by {owner}"));
    let stale = rows.iter().filter(|row| !used.contains_key(*row));
    let stale = stale.map(|row| format!("DEPENDENCIES.md: nobody uses {row} any more"));
    missing.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(kind: &Value) -> Value {
        json!({
            "packages": [
                { "id": "s", "name": "trackway-shop", "source": null,
                  "dependencies": [{ "name": "middle", "path": null }] },
                { "id": "m", "name": "middle", "source": "registry", "dependencies": [] },
                { "id": "e", "name": "trackway-event", "source": null, "dependencies": [] },
            ],
            "resolve": { "nodes": [
                { "id": "s", "deps": [{ "pkg": "m", "dep_kinds": [{ "kind": null }] }] },
                { "id": "m", "deps": [{ "pkg": "e", "dep_kinds": [{ "kind": kind }] }] },
                { "id": "e", "deps": [] },
            ] },
        })
    }

    #[test]
    fn a_border_is_crossed_over_several_steps_but_not_by_tests() {
        let crossing =
            |kind| crossed(&Graph::of(&metadata(kind))).into_iter().filter(|f| f.contains('→')).count();
        assert_eq!(crossing(&Value::Null), 1);
        assert_eq!(crossing(&json!("dev")), 0);
    }

    #[test]
    fn rows_and_dependencies_match() {
        let metadata = metadata(&Value::Null);
        let table = |rows: &str| format!("| crate | why |\n|---|---|\n{rows}");
        assert!(unexplained(&metadata, &table("| `middle` | why |\n")).is_empty());
        assert_eq!(unexplained(&metadata, &table("")).len(), 1);
        assert_eq!(unexplained(&metadata, &table("| middle | why |\n| gone | why |\n")).len(), 1);
    }
}
