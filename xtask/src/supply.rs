//! `cargo xtask sbom` and `cargo xtask licences`: what the binary is made of, from `cargo metadata`.
//!
//! Invariant: a crate without a licence, or with one that is not on the list of `deny.toml`, is a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{cargo, root};

/// Prints the crates of the binary as CycloneDX 1.5.
///
/// # Errors
/// When cargo does not answer.
pub(crate) fn sbom() -> Result<ExitCode> {
    println!("{:#}", bill()?);
    Ok(ExitCode::SUCCESS)
}

/// The crates of the binary as CycloneDX 1.5.
///
/// # Errors
/// When cargo does not answer.
pub(crate) fn bill() -> Result<Value> {
    let metadata = metadata()?;
    let used = of_binary(&metadata)?;
    let packages = packages(&metadata)?;
    let mut components = Vec::new();
    let mut root = None;
    for (id, package) in &packages {
        let (name, version) = (text(package, "name")?, text(package, "version")?);
        let purl = format!("pkg:cargo/{name}@{version}");
        let component = json!({ "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
            "licenses": [{ "expression": package["license"].as_str().unwrap_or("NOASSERTION").replace('/', " OR ") }] });
        if name == BINARY {
            root = Some(component);
        } else if used.contains(id.as_str()) && !package["source"].is_null() {
            components.push(component);
        }
    }
    let root = root.context("no trackway-cli")?;
    Ok(json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": root }, "components": components }))
}

/// Checks every crate's licence against the list of `deny.toml`.
///
/// # Errors
/// When cargo does not answer or there is no list.
pub(crate) fn licences() -> Result<ExitCode> {
    let found = findings()?;
    for finding in &found {
        eprintln!("{finding}");
    }
    if found.is_empty() {
        println!("every crate's licence is on the list");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Crates whose licence is not on the list.
///
/// # Errors
/// When cargo does not answer or there is no list.
pub(crate) fn findings() -> Result<Vec<String>> {
    let allowed = allowed(&std::fs::read_to_string(root().join("deny.toml"))?)?;
    let metadata = metadata()?;
    let mut found = Vec::new();
    for package in packages(&metadata)?.values().filter(|p| !p["source"].is_null()) {
        let (name, version) = (text(package, "name")?, text(package, "version")?);
        match package["license"].as_str() {
            Some(licence) if fits(licence, &allowed) => {}
            Some(licence) => {
                found.push(format!("{name} {version}: {licence} is not on the list of deny.toml"))
            }
            None => found.push(format!("{name} {version}: no licence is named")),
        }
    }
    Ok(found)
}

const BINARY: &str = "trackway-cli";

fn metadata() -> Result<Value> {
    let output = cargo().args(["metadata", "--locked", "--format-version", "1"]).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn packages(metadata: &Value) -> Result<BTreeMap<String, &Value>> {
    let all = metadata["packages"].as_array().context("packages")?;
    all.iter().map(|package| Ok((text(package, "id")?.to_owned(), package))).collect()
}

/// Ids of everything the binary is built from; not what only its tests need.
fn of_binary(metadata: &Value) -> Result<BTreeSet<&str>> {
    let nodes = metadata["resolve"]["nodes"].as_array().context("resolve")?;
    let node = |id: &str| nodes.iter().find(|node| node["id"] == id);
    let packages = metadata["packages"].as_array().context("packages")?;
    let start = packages.iter().find(|p| p["name"] == BINARY).context("no trackway-cli")?;
    let mut left = vec![text(start, "id")?];
    let mut used = BTreeSet::new();
    while let Some(id) = left.pop() {
        if !used.insert(id) {
            continue;
        }
        let deps = node(id).and_then(|node| node["deps"].as_array()).context("deps")?;
        for dep in deps {
            let kinds = dep["dep_kinds"].as_array().context("dep_kinds")?;
            if kinds.iter().any(|kind| kind["kind"].is_null()) {
                left.push(text(dep, "pkg")?);
            }
        }
    }
    Ok(used)
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("no {key}"))
}

/// The list of `deny.toml`: the quoted words of `allow = […]`.
fn allowed(deny: &str) -> Result<BTreeSet<String>> {
    let Some((_, rest)) = deny.split_once("\nallow = [") else { bail!("deny.toml has no list of licences") };
    let list = rest.split(']').next().unwrap_or_default();
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Whether an SPDX expression can be fulfilled by the list: one side of every OR, both sides of every AND. Parentheses are read flat:
/// every AND part must hold a listed choice.
fn fits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" AND ").all(|part| {
        part.split(" OR ")
            .any(|choice| allowed.contains(&choice.split_whitespace().collect::<Vec<_>>().join(" ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read() {
        let list = allowed("x\nallow = [\n  \"MIT\", \"Apache-2.0\",\n \"Unicode-3.0\" ]\n").unwrap();
        for (expression, expect) in [
            ("MIT", true),
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0", false),
            ("MIT/Apache-2.0", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("MIT AND GPL-3.0", false),
        ] {
            assert_eq!(fits(expression, &list), expect, "{expression}");
        }
        assert!(allowed("nothing").is_err());
    }

    #[test]
    fn every_licence_of_ours_is_on_the_list() {
        assert_eq!(findings().unwrap(), Vec::<String>::new());
    }
}
