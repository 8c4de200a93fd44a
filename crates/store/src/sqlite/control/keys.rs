//! Bearer tokens; only hashes of their secrets are kept.

use rusqlite::{OptionalExtension, Row};
use trackway_event::Timestamp;

use super::{ControlDb, sql};
use crate::{NewToken, ProjectKey, Result, StoreError, Token, TokenScope};

/// Uses are noted to the minute.
const MINUTE_US: i64 = 60_000_000;

impl ControlDb {
    /// Stores a token by its hash. [`StoreError::Conflict`] when the id or hash is taken.
    pub fn create_token(&self, new: NewToken, now: Timestamp) -> Result<Token> {
        self.change(|tx| {
            let inserted = tx.prepare(sql!("token.insert"))?.execute((
                &new.id,
                new.project.map(|p| p.0),
                new.scope.as_str(),
                new.hash,
                &new.prefix,
                &new.name,
                now.micros(),
                i64::try_from(new.per_second).unwrap_or(i64::MAX),
            ));
            match inserted {
                Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
                    Err(StoreError::Conflict(format!("the token {}", new.id)))
                }
                other => Ok(other.map(|_| ())?),
            }
        })?;
        Ok(Token {
            id: new.id,
            project: new.project,
            scope: new.scope,
            prefix: new.prefix,
            name: new.name,
            created_at: now,
            last_used_at: None,
            per_second: new.per_second,
        })
    }

    /// Living tokens of one project, or all, newest first.
    pub fn tokens(&self, project: Option<ProjectKey>) -> Result<Vec<Token>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("token.list"))?;
            let rows = statement.query_map([project.map(|p| p.0)], token)?;
            rows.map(|t| t?).collect()
        })
    }

    /// Ends a token. `false` when there is none of this id.
    pub fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool> {
        self.change(|tx| Ok(tx.prepare(sql!("token.revoke"))?.execute((id, now.micros()))? > 0))
    }

    /// The living token with this SHA-256; notes its use, to the minute.
    pub(in crate::sqlite) fn token_by_hash(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Token>> {
        let found = self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("token.by_hash"))?;
            statement.query_row([hash], token).optional()?.transpose()
        })?;
        if let Some(token) = &found
            && token.last_used_at.is_none_or(|at| now.since(at) >= MINUTE_US)
        {
            // A full disk must not lock readers out.
            let touched = self.change(|tx| {
                tx.prepare(sql!("token.touch"))?.execute((&token.id, now.micros()))?;
                Ok(())
            });
            if let Err(error) = touched {
                tracing::warn!(%error, "could not note the use of a token");
            }
        }
        Ok(found)
    }
}

fn token(row: &Row<'_>) -> rusqlite::Result<Result<Token>> {
    let scope: String = row.get(2)?;
    let Some(scope) = TokenScope::parse(&scope) else {
        return Ok(Err(StoreError::Backend(format!("token scope {scope:?}"))));
    };
    Ok(Ok(Token {
        id: row.get(0)?,
        project: row.get::<_, Option<i64>>(1)?.map(ProjectKey),
        scope,
        prefix: row.get(3)?,
        name: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
        last_used_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_micros),
        per_second: row.get::<_, i64>(7)?.unsigned_abs(),
    }))
}
