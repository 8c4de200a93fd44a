//! Members, roles and the audit log from the outside: what `trackway member` and `token` do beside a running server, and what
//! `trackway audit list` says of it (F-152, F-156, F-157).

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use trackway_tests::{Answer, Instance, wait_for};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");
/// How soon a revoked credential must be refused (issue: revoked within 5 s).
const REVOKED: Duration = Duration::from_secs(5);

fn cookie_of(answer: &Answer) -> Result<String> {
    let set = answer.header("set-cookie").context("no cookie")?;
    Ok(set.split(';').next().unwrap_or_default().to_owned())
}

fn sign_in(server: &Instance, link: &str) -> Result<String> {
    let token = link.trim().split_once("token=").context("no link")?.1;
    let answer = server.post_with("/login", &[FORM, OURS], format!("token={token}").as_bytes())?;
    ensure!(answer.status == 303, "{} {}", answer.status, answer.text);
    cookie_of(&answer)
}

#[test]
fn a_member_may_do_what_the_role_says_until_removed() -> Result<()> {
    let server = Instance::start()?;
    server.project("proj_shop")?;
    let link = server.cli(&["member", "add", "eve", "--role", "viewer"])?;
    let cookie = sign_in(&server, &link)?;
    let read = || server.get_with("/p/proj_shop/overview", &[("cookie", &cookie)]);
    ensure!(read()?.status == 200);
    let make = || {
        let headers = [FORM, OURS, ("cookie", cookie.as_str())];
        server.post_with("/p/proj_shop/settings/tokens", &headers, b"scope=read&name=x")
    };
    ensure!(make()?.status == 403, "a viewer makes no tokens");
    server.cli(&["member", "role", "eve", "admin"])?;
    wait_for("the new role to count", REVOKED, || Ok((make()?.status == 200).then_some(())))?;
    let tokens: Value = serde_json::from_str(&server.cli(&["token", "list", "--json"])?)?;
    let made = tokens["items"].as_array().context("items")?.iter().find(|t| t["name"] == "x");
    ensure!(made.is_some(), "{tokens}");

    server.cli(&["member", "remove", "eve"])?;
    wait_for("the removed member to be refused", REVOKED, || Ok((read()?.status == 303).then_some(())))?;
    let last = server.run_cli(&["member", "remove", "owner"])?;
    ensure!(last.code == Some(1) && last.stderr.contains("last owner"), "{}", last.stderr);

    let audit: Value = serde_json::from_str(&server.cli(&["audit", "list", "--json"])?)?;
    let acts: Vec<(String, String)> = audit["items"]
        .as_array()
        .context("items")?
        .iter()
        .rev()
        .map(|a| {
            (a["actor"].as_str().unwrap_or_default().into(), a["act"].as_str().unwrap_or_default().into())
        })
        .collect();
    let expect = [
        ("cli", "project_create"),
        ("cli", "token_create"),
        ("cli", "member_add"),
        ("eve", "sign_in"),
        ("cli", "member_role"),
        ("eve", "token_create"),
        ("cli", "member_remove"),
    ];
    let expect: Vec<(String, String)> = expect.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
    ensure!(acts == expect, "{acts:?}");
    Ok(())
}

#[test]
fn a_password_is_read_from_standard_input_and_kept_nowhere() -> Result<()> {
    let mut server = Instance::start()?;
    server.cli(&["member", "add", "eve", "--role", "viewer"])?;
    let secret = "canary horse battery staple";
    let mut command = server.command(&["member", "password", "eve"])?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    child.stdin.take().context("stdin")?.write_all(format!("{secret}\n").as_bytes())?;
    ensure!(child.wait()?.success());
    let form = format!("name=eve&password={}", secret.replace(' ', "+"));
    let answer = server.post_with("/login", &[FORM, OURS], form.as_bytes())?;
    ensure!(answer.status == 303, "{} {}", answer.status, answer.text);
    let cookie = cookie_of(&answer)?;
    ensure!(server.get_with("/setup", &[("cookie", &cookie)])?.status == 200);
    server.stop()?;
    let said = format!("{}{}", server.stdout(), server.stderr());
    ensure!(!said.contains("canary") && !said.contains(cookie.split_once('=').context("cookie")?.1));
    for entry in std::fs::read_dir(server.data())? {
        let path = entry?.path();
        if path.is_file() {
            let bytes = std::fs::read(&path)?;
            ensure!(!bytes.windows(6).any(|w| w == b"canary"), "{} holds the password", path.display());
        }
    }
    Ok(())
}

#[test]
fn a_revoked_token_is_refused_within_five_seconds() -> Result<()> {
    let server = Instance::start()?;
    let token = server.project("proj_shop")?;
    let list: Value = serde_json::from_str(&server.cli(&["token", "list", "--json"])?)?;
    let id = list["items"][0]["id"].as_str().context("id")?.to_owned();
    let bearer = format!("Bearer {token}");
    let status = || {
        Ok::<u16, anyhow::Error>(
            server.get_with("/api/v1/projects/proj_shop/events", &[("authorization", &bearer)])?.status,
        )
    };
    ensure!(status()? == 200);
    server.cli(&["token", "revoke", &id])?;
    let begun = Instant::now();
    wait_for("the revoked token to be refused", REVOKED, || Ok((status()? == 401).then_some(())))?;
    eprintln!("refused after {:?}", begun.elapsed());
    Ok(())
}
