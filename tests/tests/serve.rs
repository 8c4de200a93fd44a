//! `trackway serve` from the outside: first run, refusals with their exit codes, orderly end, verbs beside it.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use serde_json::json;
use trackway_tests::{Instance, Output, Setup, batch, binary, call, clean, rfc3339, run, wait_for};

const SOON: Duration = Duration::from_secs(5);
const REFUSAL: Duration = Duration::from_secs(10);

#[test]
fn the_first_run_says_all_a_person_needs() -> Result<()> {
    let instance = Instance::start()?;
    let said = wait_for("the greeting", SOON, || {
        Ok(Some(instance.stdout()).filter(|text| text.contains("DISABLE")))
    })?;
    let link = format!("{}/login?token=", instance.url());
    for expected in [
        link.as_str(),
        &instance.data().display().to_string(),
        &format!("AGENTCAT_API_URL={}", instance.url()),
        "DISABLE_DIAGNOSTICS=true",
        "proj_",
    ] {
        ensure!(said.contains(expected), "no {expected:?} in:\n{said}");
    }
    ensure!(!instance.stderr().contains("login?token="), "the sign-in link is in the log");
    Ok(())
}

#[cfg(unix)]
#[test]
fn the_data_directory_is_private() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let instance = Instance::start()?;
    let mode = std::fs::metadata(instance.data())?.permissions().mode() & 0o777;
    ensure!(mode == 0o700, "{mode:o}");
    Ok(())
}

#[test]
fn sigterm_ends_the_server_in_order() -> Result<()> {
    let mut instance = Instance::start()?;
    let token = instance.project("proj_a")?;
    instance.ingest(&batch("proj_a", &[call("evt_term", "ses_1", "search", &rfc3339(-5))]))?;
    let begun = Instant::now();
    instance.stop()?;
    ensure!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    instance.start_again()?;
    let event = instance.get("/api/v1/projects/proj_a/events/evt_term", &token)?;
    ensure!(event["tool"] == "search", "{event}");
    let status = instance.end_with("INT")?;
    ensure!(status.success(), "{status}");
    // Asked twice, it ends at once: in order if it was that quick, else with the code of an interrupted process.
    instance.start_again()?;
    instance.signal("TERM")?;
    let status = instance.end_with("TERM")?;
    ensure!(matches!(status.code(), Some(0 | 130)), "{status}");
    Ok(())
}

#[test]
fn a_connection_that_never_ends_does_not_hold_up_the_end() -> Result<()> {
    let mut instance = Instance::start()?;
    let _idle = TcpStream::connect(("127.0.0.1", instance.port()))?;
    let begun = Instant::now();
    instance.stop()?;
    ensure!(begun.elapsed() < Duration::from_secs(11), "it took {:?}", begun.elapsed());
    Ok(())
}

#[test]
fn wrong_command_lines_and_settings_end_with_2() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data").display().to_string();
    let file = home.path().join("trackway.toml");
    std::fs::write(&file, "listne = \"127.0.0.1:1\"\n")?;
    let file = file.display().to_string();
    for (args, variables, expected) in [
        (vec!["serve", "--data", &data, "--listen", "nowhere"], vec![], "listen"),
        (vec!["serve", "--data", &data, "--no-such-flag"], vec![], "--no-such-flag"),
        (vec!["serve", "--data", &data, "--config", &file], vec![], "did you mean listen"),
        (vec!["serve", "--data", &data], vec![("TRACKWAY_LSTEN", "x")], "did you mean TRACKWAY_LISTEN"),
        (vec!["sevre"], vec![], "sevre"),
        (vec!["wrap", "--project", "nope", "--", "true"], vec![], "proj_"),
    ] {
        refused(&args, &variables, 2, expected)?;
    }
    Ok(())
}

#[test]
fn unusable_data_directories_end_with_3_or_4() -> Result<()> {
    let home = tempfile::tempdir()?;
    let path = |name: &str| home.path().join(name).display().to_string();
    refused(&["serve", "--data", &path("missing/data")], &[], 3, "does not exist")?;
    std::fs::write(home.path().join("file"), "not a directory")?;
    refused(&["serve", "--data", &path("file")], &[], 3, "file")?;
    // Newer than this binary.
    let newer = home.path().join("newer");
    std::fs::create_dir(&newer)?;
    let db = Connection::open(newer.join("trackway.db"))?;
    db.pragma_update(None, "user_version", 9_999)?;
    drop(db);
    refused(&["serve", "--data", &path("newer")], &[], 4, "newer")?;
    refused(&["project", "list", "--data", &path("newer")], &[], 4, "newer")?;
    // Damaged.
    let broken = home.path().join("broken");
    std::fs::create_dir(&broken)?;
    std::fs::write(broken.join("trackway.db"), "this is no database, ".repeat(500))?;
    refused(&["serve", "--data", &path("broken")], &[], 4, "damaged")?;
    Ok(())
}

#[test]
fn a_read_only_data_directory_ends_with_3() -> Result<()> {
    // Root may write where nobody may; a file system mounted read-only stops root too.
    let read_only = "/proc/trackway-data";
    refused(&["serve", "--data", read_only], &[], 3, read_only)
}

#[test]
fn a_second_server_on_the_same_data_ends_with_3() -> Result<()> {
    let instance = Instance::start()?;
    let data = instance.data().display().to_string();
    refused(
        &["serve", "--data", &data, "--listen", "127.0.0.1:0"],
        &[],
        3,
        "in use by another trackway process",
    )
}

#[test]
fn a_taken_port_ends_with_3() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let listen = taken.local_addr()?.to_string();
    let home = tempfile::tempdir()?;
    let data = home.path().join("data").display().to_string();
    refused(&["serve", "--data", &data, "--listen", &listen], &[], 3, &listen)
}

#[test]
fn other_addresses_than_loopback_need_a_token_and_a_reason() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data").display().to_string();
    let serve = ["serve", "--data", &data, "--listen", "0.0.0.0:0"];
    refused(&serve, &[], 3, "admin")?;
    refused(&[&serve[..], &["--insecure"]].concat(), &[], 3, "admin")?;
    let token = "a-token-of-at-least-32-characters-for-the-test";
    refused(&serve, &[("TRACKWAY_ADMIN_TOKEN", token)], 3, "--trusted-proxy")?;
    // With a token and a reason it serves, and the token opens the API.
    let instance = Instance::start_with(Setup {
        args: vec!["--insecure".into()],
        variables: vec![("TRACKWAY_ADMIN_TOKEN".into(), token.into())],
        ..Setup::default()
    })?;
    let bearer = format!("Bearer {token}");
    let answer = instance.get_with("/api/v1/projects", &[("authorization", &bearer)])?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text);
    Ok(())
}

#[test]
fn projects_and_tokens_made_beside_the_server_work_within_a_second() -> Result<()> {
    let instance = Instance::start()?;
    let id = instance.cli(&["project", "create", "Beside"])?;
    let id = id.trim();
    let begun = Instant::now();
    let event = call("evt_beside", "ses_1", "search", &rfc3339(-5));
    wait_for("the project to be known", Duration::from_secs(1), || {
        Ok(Some(instance.post("/api/v1/ingest", &batch(id, std::slice::from_ref(&event)))?)
            .filter(|a| a.status == 200))
    })?;
    println!("known after {:?}", begun.elapsed());
    let token = instance.token(id, "read")?;
    let path = format!("/api/v1/projects/{id}/sessions/ses_1");
    let bearer = format!("Bearer {token}");
    wait_for("the token to be known", Duration::from_secs(1), || {
        Ok(Some(instance.get_with(&path, &[("authorization", &bearer)])?).filter(|a| a.status == 200))
    })?;
    // A revoked token opens nothing, within a second too.
    let tokens: serde_json::Value = serde_json::from_str(&instance.cli(&["token", "list", "--json"])?)?;
    let name = tokens["items"][0]["id"].as_str().context("the token is listed")?;
    instance.cli(&["token", "revoke", name])?;
    wait_for("the token to be refused", Duration::from_secs(1), || {
        Ok(Some(instance.get_with(&path, &[("authorization", &bearer)])?).filter(|a| a.status == 401))
    })?;
    Ok(())
}

#[test]
fn a_deleted_project_is_gone_for_every_reader() -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project("proj_gone")?;
    instance.ingest(&batch("proj_gone", &[call("evt_gone", "ses_1", "search", &rfc3339(-5))]))?;
    ensure!(instance.run_cli(&["project", "delete", "proj_gone"])?.code == Some(2), "deleting needs --yes");
    // The first run made project 1, so this is the second.
    let ledger = instance.data().join("projects/2");
    ensure!(ledger.is_dir(), "{} is not there", ledger.display());
    instance.cli(&["project", "delete", "proj_gone", "--yes"])?;
    let bearer = format!("Bearer {token}");
    wait_for("the project to be gone", SOON, || {
        let answer =
            instance.get_with("/api/v1/projects/proj_gone/sessions", &[("authorization", &bearer)])?;
        Ok((answer.status == 401 || answer.status == 404).then_some(()))
    })?;
    wait_for("its files to be gone", SOON, || Ok((!ledger.exists()).then_some(())))
}

#[test]
fn bodies_of_an_unknown_project_wait_for_it() -> Result<()> {
    let instance = Instance::start()?;
    let late = "proj_later";
    let events =
        [call("evt_q1", "ses_q", "search", &rfc3339(-9)), call("evt_q2", "ses_q", "order", &rfc3339(-8))];
    let refused = instance.post("/api/v1/ingest", &batch(late, &events))?;
    ensure!(refused.status == 404, "{} {}", refused.status, refused.text);
    ensure!(refused.json()?["code"] == "unknown_project", "{}", refused.text);
    let agentcat = json!({ "id": "evt_q3", "project_id": late, "session_id": "ses_q", "timestamp": rfc3339(-7),
        "event_type": "mcp:tools/call", "resource_name": "track" });
    let taken = instance.post("/v1/public/events/", &agentcat)?;
    ensure!(taken.status == 202, "{} {}", taken.status, taken.text);
    let token = instance.project(late)?;
    let bearer = format!("Bearer {token}");
    let session = wait_for("the kept events", SOON, || {
        let answer = instance
            .get_with(&format!("/api/v1/projects/{late}/sessions/ses_q"), &[("authorization", &bearer)])?;
        if answer.status != 200 {
            return Ok(None);
        }
        Ok(Some(answer.json()?).filter(|session| session["events"] == 3))
    })?;
    ensure!(session["tool_calls"] == 3, "{session}");
    Ok(())
}

#[test]
fn a_sign_in_link_works_once() -> Result<()> {
    let instance = Instance::start()?;
    let link = instance.cli(&["open", "--print"])?;
    let link = link.trim();
    ensure!(link.starts_with(&instance.url()), "{link}");
    let path = link.strip_prefix(&instance.url()).context("a path")?;
    let secret = path.split_once("token=").context("a token")?.1;
    let shown = instance.get_with(path, &[])?;
    ensure!(shown.status == 200, "looking at the link does not use it up: {}", shown.status);
    let sign_in = || {
        let form = [("content-type", "application/x-www-form-urlencoded"), ("origin", &*instance.url())];
        instance.post_with("/login", &form, format!("token={secret}").as_bytes())
    };
    let first = sign_in()?;
    ensure!(first.status == 303 || first.status == 302, "{} {}", first.status, first.text);
    let cookie = first.header("set-cookie").context("a cookie")?;
    ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().context("a value")?;
    let page = instance.get_with("/", &[("cookie", cookie)])?;
    ensure!(page.status < 400, "{} {}", page.status, page.text);
    let second = sign_in()?;
    ensure!(second.header("set-cookie").is_none(), "the link worked twice");
    Ok(())
}

/// The command ends with this code and says this on standard error.
fn refused(args: &[&str], variables: &[(&str, &str)], code: i32, expected: &str) -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut command = clean(binary()?);
    command.args(args).env("HOME", home.path()).envs(variables.iter().copied());
    let Output { code: ended, stdout, stderr } = run(command, REFUSAL)?;
    ensure!(ended == Some(code), "{args:?} ended with {ended:?}, not {code}:\n{stdout}{stderr}");
    ensure!(stderr.contains(expected), "{args:?} does not say {expected:?}:\n{stderr}");
    Ok(())
}
