//! Tokens, sign-in links and dashboard sessions; only hashes of their secrets are kept.

use rusqlite::{OptionalExtension, Row};
use trackway_event::{Timestamp, limits};

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

    /// Stores a one-use sign-in link.
    pub fn create_login_link(&self, hash: &[u8; 32], expires_at: Timestamp) -> Result<()> {
        self.change(|tx| {
            tx.prepare(sql!("login.link_insert"))?.execute((hash, expires_at.micros()))?;
            Ok(())
        })
    }

    /// Uses a link up. `false` when it is unknown, used or expired.
    pub(in crate::sqlite) fn use_login_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<bool> {
        self.change(|tx| {
            let expires: Option<i64> =
                tx.prepare(sql!("login.link_use"))?.query_row([hash], |r| r.get(0)).optional()?;
            tx.prepare(sql!("login.link_expire"))?.execute([now.micros()])?;
            Ok(expires.is_some_and(|at| at > now.micros()))
        })
    }

    /// Opens a dashboard session.
    pub(in crate::sqlite) fn create_login(&self, hash: &[u8; 32], now: Timestamp) -> Result<()> {
        self.change(|tx| {
            tx.prepare(sql!("login.expire"))?.execute([now.micros() - idle_us()])?;
            tx.prepare(sql!("login.insert"))?.execute((hash, now.micros()))?;
            Ok(())
        })
    }

    /// Whether a dashboard session lives; moves its idle time on, at most once a minute.
    pub(in crate::sqlite) fn touch_login(&self, hash: &[u8; 32], now: Timestamp) -> Result<bool> {
        let used: Option<i64> = self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("login.used_at"))?;
            Ok(statement.query_row([hash], |r| r.get(0)).optional()?)
        })?;
        let Some(used) = used.filter(|used| now.micros() - used < idle_us()) else { return Ok(false) };
        if now.micros() - used >= MINUTE_US {
            let touched = self.change(|tx| {
                tx.prepare(sql!("login.touch"))?.execute((hash, now.micros()))?;
                Ok(())
            });
            if let Err(error) = touched {
                tracing::warn!(%error, "could not note the use of a dashboard session");
            }
        }
        Ok(true)
    }

    /// Ends a dashboard session.
    pub(in crate::sqlite) fn end_login(&self, hash: &[u8; 32]) -> Result<()> {
        self.change(|tx| {
            tx.prepare(sql!("login.delete"))?.execute([hash])?;
            Ok(())
        })
    }
}

fn idle_us() -> i64 {
    limits::COOKIE_IDLE.as_micros() as i64
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
    }))
}
