//! Saved views: a page of a project with what was asked of it, by a name. What a query means is the server's to say.

use rusqlite::{Row, Transaction};
use trackway_event::{Timestamp, limits};

use super::{ControlDb, sql};
use crate::control::{NewView, Sharing, View, ViewKey};
use crate::{ProjectKey, Result, StoreError};

impl ControlDb {
    /// Views of a project that this reader may see: those shared with everyone, and their own.
    pub fn views(&self, project: ProjectKey, reader: &str) -> Result<Vec<View>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("view.list"))?;
            let rows = statement.query_map((project.0, reader, limits::VIEWS as i64), view)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Keeps a view. [`StoreError::Conflict`] when its owner has one of that name, or the project has too many.
    pub fn save_view(&self, project: ProjectKey, new: &NewView, now: Timestamp) -> Result<View> {
        let row = self.change(|tx| {
            let known: i64 = tx.prepare(sql!("view.count"))?.query_row([project.0], |r| r.get(0))?;
            if known >= limits::VIEWS as i64 {
                return Err(StoreError::Conflict(format!(
                    "the project's {} saved views, delete one first, so the view {}",
                    limits::VIEWS,
                    new.name
                )));
            }
            let shared = new.sharing == Sharing::Project;
            let values = (project.0, &new.name, &new.page, &new.query, &new.owner, shared, now.micros());
            taken(tx.prepare(sql!("view.insert"))?.execute(values), &new.name)?;
            Ok(tx.last_insert_rowid())
        })?;
        Ok(View { key: ViewKey(row), view: new.clone(), made_at: now })
    }

    /// Gives a view another name, query and sharing. `false` when there is none; [`StoreError::Conflict`] as when saving.
    pub fn change_view(&self, project: ProjectKey, key: ViewKey, to: &NewView) -> Result<bool> {
        self.change(|tx: &Transaction<'_>| {
            let values = (project.0, key.0, &to.name, &to.query, to.sharing == Sharing::Project);
            Ok(taken(tx.prepare(sql!("view.change"))?.execute(values), &to.name)? > 0)
        })
    }

    /// Forgets a view. `false` when there is none.
    pub fn delete_view(&self, project: ProjectKey, key: ViewKey) -> Result<bool> {
        self.change(|tx| Ok(tx.prepare(sql!("view.delete"))?.execute((project.0, key.0))? > 0))
    }
}

fn taken(done: rusqlite::Result<usize>, name: &str) -> Result<usize> {
    match done {
        Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            Err(StoreError::Conflict(format!("the view {name}")))
        }
        other => Ok(other?),
    }
}

fn view(r: &Row<'_>) -> rusqlite::Result<View> {
    let sharing = if r.get(5)? { Sharing::Project } else { Sharing::Mine };
    Ok(View {
        key: ViewKey(r.get(0)?),
        view: NewView { name: r.get(1)?, page: r.get(2)?, query: r.get(3)?, owner: r.get(4)?, sharing },
        made_at: Timestamp::from_micros(r.get(6)?),
    })
}
