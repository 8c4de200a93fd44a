//! `trackway project create|list|settings|set|try|delete`, straight on `trackway.db`: a running server sees the change within 1 s (D33).

use serde_json::json;
use trackway_event::ProjectId;
use trackway_server::Limits;
use trackway_server::policy::{PROJECT_SETTINGS, Policy, check_setting};
use trackway_store::{Act, NewProject, Project as Stored, StoreError};

use super::audit;
use crate::args::{Global, Json, Project};
use crate::failure::{Exit, Failure, Result};
use crate::{output, secret};

/// Characters of a random id: 131 bits, because the id is what an SDK writes with.
const ID_CHARS: usize = 22;
/// A longer name is nobody's name.
const NAME_CHARS: usize = 100;

pub(super) fn run(global: &Global, verb: Project) -> Result<()> {
    match verb {
        Project::Create { name, id, json } => create(global, &name, id.as_deref(), &Json { json }),
        Project::List(args) => list(global, &args),
        Project::Settings { id, json } => settings(global, &id, &Json { json }),
        Project::Set { id, key, value } => set(global, &id, &key, value.as_deref()),
        Project::Try { id, text } => {
            let control = super::control(global)?;
            let project = control.project(&id)?.ok_or(StoreError::UnknownProject)?;
            let (kept, masked) = Policy::of(&control.settings(project.key)?, Limits::default()).try_on(&text);
            output::print(&format!("{}\n{masked} masked\n", output::harmless(&kept)))
        }
        Project::Delete { id, yes } => {
            if !yes {
                return Err(Failure::new(Exit::Usage, "nothing was deleted")
                    .why("deleting a project deletes its sessions and events for good")
                    .next(format!("trackway project delete {id} --yes")));
            }
            delete(global, &id)
        }
    }
}

fn create(global: &Global, name: &str, id: Option<&str>, args: &Json) -> Result<()> {
    let name = output::harmless(name.trim());
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(Failure::new(Exit::Usage, format!("a project's name has 1 to {NAME_CHARS} characters")));
    }
    let id = match id {
        Some(id) => id.to_owned(),
        None => format!("proj_{}", secret::random_text(ID_CHARS)?),
    };
    let id = ProjectId::parse(&id)
        .map_err(|error| Failure::new(Exit::Usage, format!("{:?}: {error}", output::harmless(&id))))?;
    let control = super::control(global)?;
    let project = control.create_project(&NewProject { id, name, demo: false }, super::now())?;
    audit::note(&control, audit::act(Act::ProjectCreate, project.id.as_str()), Some(&project))?;
    if args.json {
        return output::json(&as_json(&project));
    }
    output::print(&format!("{}\n", project.id))
}

fn list(global: &Global, args: &Json) -> Result<()> {
    let projects = super::control(global)?.projects()?;
    if args.json {
        return output::json(
            &json!({ "items": projects.iter().map(as_json).collect::<Vec<_>>(), "next": null }),
        );
    }
    if projects.is_empty() {
        return output::print("no project yet; make one with: trackway project create NAME\n");
    }
    let rows: Vec<Vec<String>> = projects
        .iter()
        .map(|project| {
            vec![
                project.id.to_string(),
                output::harmless(&project.name),
                project.created_at.to_string(),
                project.aliases.join(","),
            ]
        })
        .collect();
    output::table(&["ID", "NAME", "CREATED", "ALSO KNOWN AS"], &rows)
}

fn delete(global: &Global, id: &str) -> Result<()> {
    let control = super::control(global)?;
    let project = control.project(id)?.ok_or(StoreError::UnknownProject)?;
    control.delete_project(project.key, super::now())?;
    audit::note(&control, audit::act(Act::ProjectDelete, project.id.as_str()), Some(&project))?;
    output::print(&format!("{} is deleted; the server removes its files\n", project.id))
}

fn settings(global: &Global, id: &str, args: &Json) -> Result<()> {
    let control = super::control(global)?;
    let project = control.project(id)?.ok_or(StoreError::UnknownProject)?;
    let set = control.settings(project.key)?;
    let all = PROJECT_SETTINGS.iter().map(|s| (s, set.get(s.key).map_or(s.default, String::as_str)));
    if args.json {
        let items =
            all.map(|(s, value)| json!({ "key": s.key, "value": value, "set": set.contains_key(s.key) }));
        return output::json(&json!({ "items": items.collect::<Vec<_>>(), "next": null }));
    }
    let rows: Vec<Vec<String>> =
        all.map(|(s, value)| vec![s.key.into(), output::harmless(value), s.help.into()]).collect();
    output::table(&["SETTING", "VALUE", "WHAT IT DOES"], &rows)
}

fn set(global: &Global, id: &str, key: &str, value: Option<&str>) -> Result<()> {
    let control = super::control(global)?;
    let project = control.project(id)?.ok_or(StoreError::UnknownProject)?;
    let known = PROJECT_SETTINGS.iter().find(|s| s.key == key).map_or("", |s| s.default);
    check_setting(key, value.unwrap_or(known))
        .map_err(|why| Failure::new(Exit::Usage, "the setting was not changed").why(why))?;
    control.set_setting(project.key, key, value)?;
    let act = audit::act(Act::SettingChange, key).detail(value.unwrap_or("the default"));
    audit::note(&control, act, Some(&project))?;
    output::print(&format!(
        "{key} of {} is {}\n",
        project.id,
        output::harmless(value.unwrap_or("the default"))
    ))
}

fn as_json(project: &Stored) -> serde_json::Value {
    json!({ "id": project.id, "name": project.name, "created_at": project.created_at.to_string(),
        "aliases": project.aliases, "demo": project.demo })
}
