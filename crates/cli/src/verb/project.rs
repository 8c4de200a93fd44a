//! `trackway project create|list|delete`, straight on `trackway.db`: a running server sees the change within 1 s (D33).

use serde_json::json;
use trackway_event::ProjectId;
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

fn as_json(project: &Stored) -> serde_json::Value {
    json!({ "id": project.id, "name": project.name, "created_at": project.created_at.to_string(),
        "aliases": project.aliases, "demo": project.demo })
}
