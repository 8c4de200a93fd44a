//! Projects and their other names.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::OptionalExtension;
use trackway_event::{ProjectId, Timestamp};

use super::{ControlDb, hold, sql};
use crate::{NewProject, Project, ProjectKey, Result, StoreError};

/// How long the known projects may be out of date with what another process wrote; D33 allows 1 s.
const FRESH: Duration = Duration::from_millis(400);

/// The projects as last read, so that ingest asks the file at most every [`FRESH`].
#[derive(Default)]
pub(super) struct Known {
    read_at: Option<Instant>,
    list: Arc<Vec<Project>>,
    by_name: Arc<HashMap<String, usize>>,
}

impl ControlDb {
    /// Every project that is not being deleted, in order of name; `last_event_at` is left open.
    pub fn projects(&self) -> Result<Vec<Project>> {
        Ok(self.known()?.0.to_vec())
    }

    /// The project with this id or alias. One that another process made a moment ago is found: a name that is not among the
    /// known is asked for in the file.
    pub fn project(&self, id_or_alias: &str) -> Result<Option<Project>> {
        let find = || -> Result<Option<Project>> {
            let (list, by_name) = self.known()?;
            Ok(by_name.get(id_or_alias).and_then(|i| list.get(*i)).cloned())
        };
        let found = find()?;
        if found.is_some() || !self.ask(|conn| taken(conn, id_or_alias))? {
            return Ok(found);
        }
        self.forget_known();
        find()
    }

    /// Makes a project. [`StoreError::Conflict`] when the id is taken.
    pub fn create_project(&self, new: &NewProject, now: Timestamp) -> Result<Project> {
        let row = self.change(|tx| {
            if taken(tx, new.id.as_str())? {
                return Err(StoreError::Conflict(format!("the project {}", new.id)));
            }
            tx.prepare(sql!("project.insert"))?.execute((
                new.id.as_str(),
                &new.name,
                now.micros(),
                new.demo,
            ))?;
            Ok(tx.last_insert_rowid())
        })?;
        self.forget_known();
        Ok(Project {
            key: ProjectKey(row),
            id: new.id.clone(),
            name: new.name.clone(),
            created_at: now,
            aliases: Vec::new(),
            demo: new.demo,
            last_event_at: None,
        })
    }

    /// Marks a project deleted and frees its id, names and keys. Its files are the server's to remove.
    pub fn delete_project(&self, project: ProjectKey, now: Timestamp) -> Result<()> {
        self.change(|tx| {
            if tx.prepare(sql!("project.mark_deleted"))?.execute((project.0, now.micros()))? == 0 {
                return Err(StoreError::UnknownProject);
            }
            for statement in [
                sql!("alias.delete_of"),
                sql!("token.delete_of"),
                sql!("tally.delete_of"),
                sql!("setting.delete_of"),
                sql!("view.delete_of"),
            ] {
                tx.prepare(statement)?.execute([project.0])?;
            }
            Ok(())
        })?;
        self.forget_known();
        Ok(())
    }

    /// Makes `alias` another name of the project. No change when it is one already.
    pub fn add_alias(&self, project: ProjectKey, alias: &str) -> Result<()> {
        self.change(|tx| {
            let owner: Option<i64> =
                tx.prepare(sql!("alias.taken"))?.query_row([alias], |r| r.get(0)).optional()?;
            match owner {
                Some(owner) if owner == project.0 => Ok(()),
                Some(_) => Err(StoreError::Conflict(format!("the name {alias}"))),
                None => {
                    tx.prepare(sql!("alias.insert"))?.execute((alias, project.0))?;
                    Ok(())
                }
            }
        })?;
        self.forget_known();
        Ok(())
    }

    /// Numbers of projects whose files have to go.
    pub(in crate::sqlite) fn deleted(&self) -> Result<Vec<i64>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("project.deleted"))?;
            let rows = statement.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Forgets a marked project whose files are gone.
    pub(in crate::sqlite) fn forget_project(&self, row: i64) -> Result<()> {
        self.change(|tx| {
            tx.prepare(sql!("project.forget"))?.execute([row])?;
            Ok(())
        })
    }

    /// The project of this number, unless it is being deleted.
    pub(in crate::sqlite) fn project_of(&self, key: ProjectKey) -> Result<Option<Project>> {
        Ok(self.known()?.0.iter().find(|p| p.key == key).cloned())
    }

    /// Reads the projects anew with the next question.
    pub(in crate::sqlite) fn forget_known(&self) {
        hold(&self.projects).read_at = None;
    }

    #[expect(clippy::type_complexity, reason = "the two halves of one private snapshot")]
    fn known(&self) -> Result<(Arc<Vec<Project>>, Arc<HashMap<String, usize>>)> {
        let mut known = hold(&self.projects);
        if known.read_at.is_none_or(|at| at.elapsed() > FRESH) {
            let list = self.read_projects()?;
            let mut by_name = HashMap::new();
            for (i, project) in list.iter().enumerate() {
                by_name.insert(project.id.as_str().to_owned(), i);
                by_name.extend(project.aliases.iter().map(|a| (a.clone(), i)));
            }
            *known =
                Known { read_at: Some(Instant::now()), list: Arc::new(list), by_name: Arc::new(by_name) };
        }
        Ok((known.list.clone(), known.by_name.clone()))
    }

    fn read_projects(&self) -> Result<Vec<Project>> {
        self.ask(|conn| {
            let mut projects = Vec::new();
            let mut statement = conn.prepare_cached(sql!("project.list"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let id: String = row.get(1)?;
                let id =
                    ProjectId::parse(&id).map_err(|_| StoreError::Backend(format!("project id {id:?}")))?;
                projects.push(Project {
                    key: ProjectKey(row.get(0)?),
                    id,
                    name: row.get(2)?,
                    created_at: Timestamp::from_micros(row.get(3)?),
                    aliases: Vec::new(),
                    demo: row.get(4)?,
                    last_event_at: None,
                });
            }
            let mut statement = conn.prepare_cached(sql!("alias.list"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (alias, project): (String, i64) = (row.get(0)?, row.get(1)?);
                if let Some(p) = projects.iter_mut().find(|p| p.key.0 == project) {
                    p.aliases.push(alias);
                }
            }
            Ok(projects)
        })
    }
}

fn taken(conn: &rusqlite::Connection, name: &str) -> Result<bool> {
    Ok(conn.prepare_cached(sql!("alias.taken"))?.exists([name])?)
}
