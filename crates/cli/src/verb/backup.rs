//! `trackway backup create|verify|restore`: a directory of plain SQLite files and a manifest with their hashes.
//!
//! Called by `verb`. Invariants: a directory without a manifest is no backup (it is written last, then the directory gets
//! its name); a restore writes into an empty directory only, and only what has the hash of the manifest.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use trackway_event::ProjectId;
use trackway_store::sqlite::ControlDb;
use trackway_store::sqlite::backup::{self, Checked, Copied};
use trackway_store::{Act, Deletion, NewAudit};

use crate::args::{Backup, Global};
use crate::failure::{Exit, Failure, Result};
use crate::output;

/// The file that makes a directory a backup.
const MANIFEST: &str = "manifest.json";
/// The format of the manifest.
const FORMAT: u32 = 1;
/// A longer manifest is none of ours.
const MANIFEST_BYTES: u64 = 16 * 1024 * 1024;
/// In the data directory: when the latest backup was made, for `doctor`.
pub(super) const LATEST: &str = "backup.json";

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    trackway: String,
    created_at: String,
    files: Vec<Entry>,
}

/// One file of a backup.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: String,
    project: Option<ProjectId>,
    bytes: u64,
    sha256: String,
}

pub(super) fn run(global: &Global, verb: &Backup) -> Result<ExitCode> {
    match verb {
        Backup::Create { dir, json } => create(global, dir, *json),
        Backup::Verify { dir, json } => verify(dir, *json),
        Backup::Restore { dir, deletions, json } => restore(global, dir, deletions.as_deref(), *json),
    }
}

fn create(global: &Global, dir: &Path, json: bool) -> Result<ExitCode> {
    let data = data_path(global)?;
    if !data.join("trackway.db").is_file() {
        return Err(Failure::new(Exit::Negative, format!("{} holds no data yet", data.display()))
            .next("trackway serve"));
    }
    if dir.exists() {
        return Err(Failure::new(Exit::Usage, format!("{} exists already", dir.display()))
            .why("a backup is a directory of its own")
            .next("name one that does not exist"));
    }
    let partial = beside(dir, "partial")?;
    make_dir(&partial)?;
    let made = fill(&data, &partial).and_then(|manifest| {
        fs::rename(&partial, dir).map_err(io("rename", &partial))?;
        durable_dir(dir.parent())?;
        Ok(manifest)
    });
    let manifest = made.inspect_err(|_| drop(fs::remove_dir_all(&partial)))?;
    let note = json!({ "created_at": manifest.created_at }).to_string();
    // Only `doctor` misses it: the backup itself is there.
    if let Err(error) = fs::write(data.join(LATEST), note) {
        tracing::warn!(%error, "the time of this backup could not be noted in the data directory");
    }
    tell(json, dir, &manifest, "is a backup of", &[])
}

/// Copies, hashes, and makes all of it durable.
fn fill(data: &Path, into: &Path) -> Result<Manifest> {
    let begun = super::now();
    let mut files = Vec::new();
    for Copied { path, project } in backup::copy(data, into)? {
        let file = into.join(&path);
        let (sha256, bytes) = hash(&file)?;
        durable(&file)?;
        durable_dir(file.parent())?;
        files.push(Entry { path, project, bytes, sha256 });
    }
    let manifest = Manifest {
        format: FORMAT,
        trackway: env!("CARGO_PKG_VERSION").into(),
        created_at: begun.to_string(),
        files,
    };
    let path = into.join(MANIFEST);
    let text = format!("{:#}\n", json!(manifest));
    fs::write(&path, text).map_err(io("write", &path))?;
    durable(&path)?;
    durable_dir(Some(&into.join("projects")))?;
    durable_dir(Some(into))?;
    Ok(manifest)
}

fn verify(dir: &Path, json: bool) -> Result<ExitCode> {
    let manifest = manifest(dir)?;
    // The files are opened where they lie nowhere else: in a copy, which is what a restore would make.
    let scratch = tempfile::tempdir().map_err(io("make", &std::env::temp_dir()))?;
    let mut findings = Vec::new();
    for entry in &manifest.files {
        let copied = take(dir, scratch.path(), entry);
        let Checked { findings: found, .. } = match copied {
            Ok(()) => {
                let file = Copied { path: entry.path.clone(), project: entry.project.clone() };
                backup::check(scratch.path(), &file)?
            }
            Err(failure) => Checked { events: 0, findings: vec![failure.to_string()] },
        };
        findings.extend(found.into_iter().map(|what| format!("{}: {}", entry.path, what.trim_end())));
        drop(fs::remove_file(scratch.path().join(&entry.path)));
    }
    tell(json, dir, &manifest, "is sound, made from", &findings)
}

fn restore(global: &Global, dir: &Path, deletions: Option<&Path>, json: bool) -> Result<ExitCode> {
    let data = data_path(global)?;
    let manifest = manifest(dir)?;
    let deletions = deletions.map(deletions_of).transpose()?.unwrap_or_default();
    if fs::read_dir(&data).is_ok_and(|mut files| files.next().is_some()) {
        return Err(Failure::new(Exit::Usage, format!("{} is not empty", data.display()))
            .why("a restore never writes over data")
            .next("name an empty or new directory with --data DIR"));
    }
    let partial = beside(&data, "restoring")?;
    make_dir(&partial)?;
    let filled = || -> Result<()> {
        make_dir(&partial.join("projects"))?;
        for entry in &manifest.files {
            take(dir, &partial, entry)?;
            let file = partial.join(&entry.path);
            durable(&file)?;
            durable_dir(file.parent())?;
        }
        repeat(&partial, &deletions)?;
        durable_dir(Some(&partial.join("projects")))?;
        durable_dir(Some(&partial))?;
        // Renaming over an empty directory is allowed, over any other it fails.
        fs::rename(&partial, &data).map_err(io("rename", &partial))?;
        durable_dir(data.parent())
    };
    filled().inspect_err(|_| drop(fs::remove_dir_all(&partial)))?;
    tell(json, &data, &manifest, "holds again the data of", &[])
}

/// The deletions of people that another data directory, or a later backup, remembers.
fn deletions_of(dir: &Path) -> Result<Vec<Deletion>> {
    if !dir.join("trackway.db").is_file() {
        return Err(Failure::new(Exit::Usage, format!("{} holds no data", dir.display()))
            .next("name a data directory or a backup with --deletions"));
    }
    // In a copy: a backup is not to be written, not even by the companions of an open file.
    let scratch = tempfile::tempdir().map_err(io("make", &std::env::temp_dir()))?;
    backup::copy_control(dir, scratch.path())?;
    Ok(ControlDb::open(scratch.path())?.deletions()?)
}

/// Notes in restored data that it was restored, and the deletions that were done after the backup; the next start does them
/// before it is asked anything.
fn repeat(restored: &Path, deletions: &[Deletion]) -> Result<()> {
    let control = ControlDb::open(restored)?;
    let known: Vec<String> = control.deletions()?.into_iter().map(|d| d.id).collect();
    for deletion in deletions.iter().filter(|d| !known.contains(&d.id)) {
        control.repeat(deletion)?;
    }
    let act = NewAudit::new("cli", Act::BackupRestore, format!("{} deletions to repeat", deletions.len()));
    Ok(control.note(&act, super::now())?)
}

/// Reads the manifest, and refuses paths that lead out of the directory.
fn manifest(dir: &Path) -> Result<Manifest> {
    let path = dir.join(MANIFEST);
    let none = |why: String| {
        Failure::new(Exit::Data, format!("{} is no backup", dir.display()))
            .why(why)
            .next("name a directory that `trackway backup create` made")
    };
    let mut text = String::new();
    let file = File::open(&path).map_err(|error| none(format!("{}: {error}", path.display())))?;
    file.take(MANIFEST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| none(format!("{}: {error}", path.display())))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| none(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(none(format!("its format is {}, this version knows {FORMAT}", manifest.format)));
    }
    for entry in &manifest.files {
        let inside = Path::new(&entry.path).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || entry.path.is_empty() {
            return Err(none(format!("{:?} is no path inside it", output::harmless(&entry.path))));
        }
    }
    Ok(manifest)
}

/// Copies one file of the backup and compares its hash on the way.
fn take(from: &Path, into: &Path, entry: &Entry) -> Result<()> {
    let (source, target) = (from.join(&entry.path), into.join(&entry.path));
    if let Some(parent) = target.parent().filter(|parent| !parent.is_dir()) {
        make_dirs(parent)?;
    }
    let mut reader = File::open(&source).map_err(io("read", &source))?;
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut writer = options.open(&target).map_err(io("write", &target))?;
    let (sha256, bytes) = pour(&mut reader, |part| writer.write_all(part)).map_err(io("copy", &source))?;
    if sha256 != entry.sha256 || bytes != entry.bytes {
        return Err(Failure::new(Exit::Data, format!("{} is not what was backed up", entry.path)).why(
            format!(
                "{bytes} bytes with SHA-256 {sha256}; the manifest says {} and {}",
                entry.bytes, entry.sha256
            ),
        ));
    }
    Ok(())
}

fn hash(path: &Path) -> Result<(String, u64)> {
    let mut file = File::open(path).map_err(io("read", path))?;
    pour(&mut file, |_| Ok(())).map_err(io("read", path))
}

/// Reads to the end, hands every part on, and gives SHA-256 and length.
fn pour(from: &mut File, mut to: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<(String, u64)> {
    let mut buffer = vec![0u8; 256 * 1024];
    let (mut hasher, mut bytes) = (Sha256::new(), 0u64);
    loop {
        let n = from.read(&mut buffer)?;
        let Some(part) = buffer.get(..n).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
        to(part)?;
        bytes += n as u64;
    }
    let hex = trackway_event::id::hex(&hasher.finalize());
    Ok((hex, bytes))
}

fn tell(json: bool, dir: &Path, manifest: &Manifest, what: &str, findings: &[String]) -> Result<ExitCode> {
    let code = if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Exit::Data as u8) };
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    if json {
        output::json(&json!({ "dir": dir, "created_at": manifest.created_at, "files": manifest.files,
            "bytes": bytes, "findings": findings }))?;
        return Ok(code);
    }
    let mut text = String::new();
    if findings.is_empty() {
        text = format!(
            "{} {what} {}: {} files, {bytes} bytes\n",
            dir.display(),
            manifest.created_at,
            manifest.files.len()
        );
    }
    for finding in findings {
        text.push_str(&format!("✗ {}\n", output::harmless(finding)));
    }
    output::print(&text)?;
    Ok(code)
}

fn data_path(global: &Global) -> Result<PathBuf> {
    Ok(crate::config::data_dir(&super::layers(global, vec![])?)?.path().to_owned())
}

/// A directory on the same file system, to be renamed when it is whole.
fn beside(dir: &Path, what: &str) -> Result<PathBuf> {
    let Some(name) = dir.file_name().and_then(|name| name.to_str()) else {
        return Err(Failure::new(Exit::Usage, format!("{} names no directory", dir.display())));
    };
    Ok(dir.with_file_name(format!("{name}.{what}-{}", std::process::id())))
}

fn make_dir(dir: &Path) -> Result<()> {
    private_dirs().create(dir).map_err(io("make", dir))
}

fn make_dirs(dir: &Path) -> Result<()> {
    private_dirs().recursive(true).create(dir).map_err(io("make", dir))
}

fn private_dirs() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn durable(file: &Path) -> Result<()> {
    File::open(file).and_then(|file| file.sync_all()).map_err(io("sync", file))
}

fn durable_dir(dir: Option<&Path>) -> Result<()> {
    let dir = dir.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    #[cfg(unix)]
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("sync", dir))?;
    Ok(())
}

fn io(verb: &str, path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let what = format!("cannot {verb} {}", path.display());
    move |error| Failure::new(Exit::Unreachable, what.clone()).why(error.to_string())
}
