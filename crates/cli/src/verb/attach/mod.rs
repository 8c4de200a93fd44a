//! `trackway attach NAME --client C` and `detach`: a client's settings are edited so that one of its MCP servers runs behind
//! `trackway wrap`, and back.
//!
//! Invariant: nothing but the server's command and arguments changes; the file as it was is kept beside it, and `detach`
//! gives it back to the byte, also where other parts were changed meanwhile.

mod edit;
mod jsonc;
mod places;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use trackway_event::ProjectId;

use crate::args::{Attach, Detach, Global};
use crate::failure::{Exit, Failure, Result};
use crate::output;
use edit::{Args, Problem};
use places::{Place, Surroundings, backup, places};

/// A settings file is not longer.
const BYTES: u64 = 32 * 1024 * 1024;

pub(super) fn attach(global: &Global, args: &Attach) -> Result<()> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::Unreachable, format!("cannot tell where trackway is: {error}"))
    })?;
    let Some(program) = program.to_str() else {
        return Err(Failure::new(Exit::Usage, "the path of trackway is not UTF-8, and settings are"));
    };
    // A server that is reached by its address belongs to the proxy's project.
    let project = match &args.via {
        Some(_) => String::new(),
        None => project(global, args.project.as_deref())?,
    };
    let mut words = vec!["wrap".to_owned(), "--project".to_owned(), project];
    if let Some(endpoint) = &args.endpoint {
        words.extend(["--endpoint".to_owned(), endpoint.clone()]);
    }
    if args.report_missing {
        words.push("--report-missing".to_owned());
    }
    let (place, before) = find(&args.name, args.client, args.file.as_deref())?;
    let path: Vec<&str> = place.path.iter().map(String::as_str).collect();
    let edited = match &args.via {
        Some(via) => edit::redirect(&before, &path, &args.name, via),
        None => edit::attach(&before, &path, &args.name, program, &words),
    };
    let after = edited.map_err(|problem| told(problem, &args.name, &place.file))?;
    if args.dry_run {
        return output::print(&changes(&before, &after, &place.file));
    }
    let kept = backup(&place.file, &args.name);
    write(&kept, &before, &place.file)?;
    write(&place.file, &after, &place.file)?;
    output::print(&format!(
        "attached {} in {}\nthe file as it was: {}\nrestart the client; undo with: trackway detach {} --client {}\n",
        output::harmless(&args.name),
        place.file.display(),
        kept.display(),
        output::harmless(&args.name),
        args.client.word(),
    ))
}

pub(super) fn detach(args: &Detach) -> Result<()> {
    let (place, now) = find(&args.name, args.client, args.file.as_deref())?;
    let path: Vec<&str> = place.path.iter().map(String::as_str).collect();
    let kept = backup(&place.file, &args.name);
    let original = read(&kept).ok();
    let after = restored(&now, original.as_deref(), &path, &args.name)
        .map_err(|problem| told(problem, &args.name, &place.file))?;
    if args.dry_run {
        return output::print(&changes(&now, &after, &place.file));
    }
    write(&place.file, &after, &place.file)?;
    if original.is_some() {
        // A backup that stays is harmless.
        let _removed = std::fs::remove_file(&kept);
    }
    output::print(&format!("detached {} in {}\n", output::harmless(&args.name), place.file.display()))
}

/// The file without Trackway: its original where nothing else changed, else with only our part taken out.
fn restored(
    now: &str,
    original: Option<&str>,
    path: &[&str],
    name: &str,
) -> std::result::Result<String, Problem> {
    let Some((program, words)) = edit::words_of(now, path, name) else {
        // Attached by its address: the entry's URL is put back.
        let original = original.ok_or(Problem::NotAttached)?;
        return edit::restore_url(now, original, path, name);
    };
    if let Some(original) = original
        && edit::attach(original, path, name, &program, &words).as_deref() == Ok(now)
    {
        return Ok(original.to_owned());
    }
    let args = original.and_then(|o| edit::args_of(o, path, name)).unwrap_or(Args::Had);
    edit::detach(now, path, name, args)
}

/// The first place that has this server, and the file's text.
fn find(name: &str, client: crate::args::Client, file: Option<&Path>) -> Result<(Place, String)> {
    let around = Surroundings::of_process().ok_or_else(|| {
        Failure::new(Exit::Unreachable, "there is no home directory").next("name the file with --file")
    })?;
    let mut all = places(client, &around);
    if let Some(file) = file {
        for place in &mut all {
            place.file = file.to_owned();
        }
    }
    let mut looked: Vec<PathBuf> = Vec::new();
    for mut place in all {
        if !looked.contains(&place.file) {
            looked.push(place.file.clone());
        }
        let text = match read(&place.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(Failure::new(Exit::Unreachable, format!("{}: {error}", place.file.display())));
            }
        };
        let path: Vec<&str> = place.path.iter().map(String::as_str).collect();
        match edit::entry(&text, &path, name) {
            Ok(_) => {
                // A link stays a link: the file it leads to is edited.
                place.file = std::fs::canonicalize(&place.file).unwrap_or(place.file);
                return Ok((place, text));
            }
            Err(Problem::NotJson) => return Err(told(Problem::NotJson, name, &place.file)),
            Err(_) => {}
        }
    }
    let looked: Vec<String> = looked.iter().map(|p| p.display().to_string()).collect();
    Err(Failure::new(
        Exit::Negative,
        format!("{} has no MCP server {:?}", client.word(), output::harmless(name)),
    )
    .why(format!("looked into {}", looked.join(", ")))
    .next("name another file with --file"))
}

/// The project that is named, else the only one there is.
fn project(global: &Global, named: Option<&str>) -> Result<String> {
    if let Some(named) = named {
        let id = ProjectId::parse(named).map_err(|error| {
            Failure::new(Exit::Usage, format!("--project {}: {error}", output::harmless(named)))
        })?;
        return Ok(id.to_string());
    }
    let projects = super::control(global)?.projects()?;
    let mut real = projects.iter().filter(|p| !p.demo);
    match (real.next(), real.next()) {
        (Some(only), None) => Ok(only.id.to_string()),
        (None, _) => {
            Err(Failure::new(Exit::Usage, "there is no project yet").next("trackway project create NAME"))
        }
        (Some(_), Some(_)) => Err(Failure::new(Exit::Usage, "there are several projects")
            .why("the events of a server belong to one of them")
            .next("name it with --project; see: trackway project list")),
    }
}

fn told(problem: Problem, name: &str, file: &Path) -> Failure {
    Failure::new(Exit::Negative, format!("{:?} in {}: {problem}", output::harmless(name), file.display()))
}

fn read(file: &Path) -> std::io::Result<String> {
    if std::fs::metadata(file)?.len() > BYTES {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "it is too long for a settings file",
        ));
    }
    std::fs::read_to_string(file)
}

/// Writes all or nothing, with the permissions of the file that `like` is.
fn write(file: &Path, text: &str, like: &Path) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        new.as_file().set_permissions(std::fs::metadata(like)?.permissions())?;
        new.persist(file)?;
        Ok(())
    };
    write().map_err(|error| {
        Failure::new(Exit::Unreachable, format!("{} cannot be written: {error}", file.display()))
            .next("nothing was changed there; check the file's permissions")
    })
}

/// The lines that change, as a person reads them.
fn changes(before: &str, after: &str, file: &Path) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same_front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - same_front;
    let same_back = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    let mut text = format!("{} (nothing was changed)\n", file.display());
    let part = |lines: &[&str]| -> Vec<String> {
        let end = lines.len() - same_back;
        lines.get(same_front..end).unwrap_or_default().iter().map(|l| output::harmless(l)).collect()
    };
    for (sign, lines) in [('-', part(&old)), ('+', part(&new))] {
        for line in lines {
            text.push_str(&format!("{sign} {line}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detaching_leaves_what_others_changed_meanwhile() {
        let path = ["mcpServers"];
        let before = "{\"mcpServers\": {\"shop\": {\"command\": \"node\"}}, // mine\n}";
        let words = ["wrap", "--project", "proj_x"].map(String::from);
        let attached = edit::attach(before, &path, "shop", "trackway", &words).unwrap();
        assert_eq!(restored(&attached, Some(before), &path, "shop").unwrap(), before);
        let edited = attached.replace("// mine", "\"theme\": \"dark\"");
        let expected = before.replace("// mine", "\"theme\": \"dark\"");
        assert_eq!(restored(&edited, Some(before), &path, "shop").unwrap(), expected);
        assert_eq!(restored(before, Some(before), &path, "shop"), Err(Problem::NotAttached));
    }

    #[test]
    fn a_url_comes_back_too() {
        let path = ["servers"];
        let before = r#"{"servers":{"shop":{"url":"https:\/\/mcp.example\/mcp"}}}"#;
        let attached = edit::redirect(before, &path, "shop", "http://127.0.0.1:7432/mcp").unwrap();
        assert_eq!(restored(&attached, Some(before), &path, "shop").unwrap(), before);
        assert_eq!(restored(before, Some(before), &path, "shop"), Err(Problem::NotAttached));
        assert_eq!(restored(before, None, &path, "shop"), Err(Problem::NotAttached));
    }

    #[test]
    fn a_dry_run_shows_the_lines_that_change() {
        let text = changes("a\nb\nc\n", "a\nB\nB2\nc\n", Path::new("f"));
        assert_eq!(text, "f (nothing was changed)\n- b\n+ B\n+ B2\n");
    }
}
