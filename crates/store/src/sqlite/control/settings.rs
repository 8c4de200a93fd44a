//! Settings of projects: texts by name. What they mean and which values fit is the server's to say.

use std::collections::BTreeMap;

use super::{ControlDb, sql};
use crate::{ProjectKey, Result};

impl ControlDb {
    /// What was set of a project, by name.
    pub fn settings(&self, project: ProjectKey) -> Result<BTreeMap<String, String>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("setting.of"))?;
            let rows = statement.query_map([project.0], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Sets a setting of a project, or takes it back.
    pub fn set_setting(&self, project: ProjectKey, key: &str, value: Option<&str>) -> Result<()> {
        self.change(|tx| {
            match value {
                Some(value) => tx.prepare(sql!("setting.put"))?.execute((project.0, key, value))?,
                None => tx.prepare(sql!("setting.drop"))?.execute((project.0, key))?,
            };
            Ok(())
        })
    }
}
