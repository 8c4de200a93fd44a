//! Every method of rmcp's `ServerHandler` is delegated: a new one with a default would compile and answer "method not found"
//! (CAP §5.4). The trait is read from the source that this crate is built with.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

fn methods(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
    names.filter_map(|rest| rest.split(['(', '<']).next()).map(str::to_owned).collect()
}

#[test]
fn no_method_of_the_trait_is_left_out() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let rmcp = metadata["packages"].as_array().unwrap().iter().find(|p| p["name"] == "rmcp").unwrap();
    let manifest = PathBuf::from(rmcp["manifest_path"].as_str().unwrap());
    let source = std::fs::read_to_string(manifest.with_file_name("src/handler/server.rs")).unwrap();
    let start = source.find("macro_rules! server_handler_methods").unwrap();
    let end = source[start..].find("pub trait ServerHandler").unwrap() + start;
    let wanted = methods(&source[start..end]);
    assert!(wanted.len() >= 32, "the trait was not read: {wanted:?}");

    let own = include_str!("../src/tracked.rs");
    let own = &own[own.find("ServerHandler for Tracked<S>").unwrap()..];
    let mut found = methods(own);
    // those that a macro makes
    let listed = own.lines().map(str::trim).filter_map(|line| {
        let name = line.split(['(', ' ']).next()?;
        (line.contains(" -> ") && (line.contains(" = \"") || line.ends_with("Result")))
            .then(|| name.to_owned())
    });
    found.extend(listed);
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(missing.is_empty(), "not delegated: {missing:?}");
}
