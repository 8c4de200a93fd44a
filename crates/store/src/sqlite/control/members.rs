//! Members, their dashboard sessions, and the audit log. Sessions end by disuse, by age, when their secret was exchanged, and with
//! their member; each is looked up anew with every request, so an end counts at once.

use rusqlite::{OptionalExtension, Row};
use trackway_event::{Timestamp, limits};

use super::{ControlDb, sql};
use crate::access::{Act, Audit, AuditAsk, Login, Member, MemberKey, NewAudit, Role};
use crate::{Result, StoreError};

/// Uses are noted to the minute.
const MINUTE_US: i64 = 60_000_000;
/// Acts kept; older ones make room.
const AUDIT_ROWS: i64 = 100_000;
/// Acts between two looks at how many there are.
const TRIM_EVERY: i64 = 256;

impl ControlDb {
    /// Adds someone who may sign in. [`StoreError::Conflict`] when the name is taken.
    pub fn add_member(&self, name: &str, role: Role, now: Timestamp) -> Result<Member> {
        let row = self.change(|tx| {
            let inserted = tx.prepare(sql!("member.insert"))?.execute((name, role.as_str(), now.micros()));
            match inserted {
                Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
                    Err(StoreError::Conflict(format!("the member {name}")))
                }
                other => Ok(other.map(|_| tx.last_insert_rowid())?),
            }
        })?;
        let (key, name) = (MemberKey(row), name.to_owned());
        Ok(Member { key, name, role, has_password: false, created_at: now, seen_at: None })
    }

    /// Everyone who may sign in, the oldest first.
    pub fn members(&self) -> Result<Vec<Member>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("member.list"))?;
            let rows = statement.query_map([], member)?;
            rows.map(|row| row?).collect()
        })
    }

    /// Ends a member with their sessions and links. `false` when there is none; [`StoreError::Conflict`] for the last owner.
    pub fn remove_member(&self, member: MemberKey) -> Result<bool> {
        self.change(|tx| {
            keep_an_owner(tx, member)?;
            tx.prepare(sql!("login.delete_of"))?.execute([member.0])?;
            tx.prepare(sql!("login.link_delete_of"))?.execute([member.0])?;
            tx.prepare(sql!("view.forget_mine"))?.execute([member.0])?;
            tx.prepare(sql!("view.leave"))?.execute([member.0])?;
            Ok(tx.prepare(sql!("member.delete"))?.execute([member.0])? > 0)
        })
    }

    /// Changes what a member may do. `false` when there is none; [`StoreError::Conflict`] for the last owner.
    pub fn set_role(&self, member: MemberKey, role: Role) -> Result<bool> {
        self.change(|tx| {
            if role != Role::Owner {
                keep_an_owner(tx, member)?;
            }
            Ok(tx.prepare(sql!("member.set_role"))?.execute((member.0, role.as_str()))? > 0)
        })
    }

    /// Sets or takes away a member's password, by its hash, and ends their sessions. `false` when there is no such member.
    pub fn set_password(&self, member: MemberKey, hash: Option<&str>) -> Result<bool> {
        self.change(|tx| {
            tx.prepare(sql!("login.delete_of"))?.execute([member.0])?;
            Ok(tx.prepare(sql!("member.set_password"))?.execute((member.0, hash))? > 0)
        })
    }

    /// The password hash of the member of this name, where there is one.
    pub(in crate::sqlite) fn password_of(&self, name: &str) -> Result<Option<(MemberKey, String)>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("member.password"))?;
            let found: Option<(i64, Option<String>)> =
                statement.query_row([name], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
            Ok(found.and_then(|(row, hash)| Some((MemberKey(row), hash?))))
        })
    }

    /// Stores a one-use sign-in link of the owner.
    pub fn create_login_link(&self, hash: &[u8; 32], expires_at: Timestamp) -> Result<()> {
        self.create_member_link(MemberKey::OWNER, hash, expires_at)
    }

    /// Stores a one-use sign-in link of a member.
    pub fn create_member_link(
        &self,
        member: MemberKey,
        hash: &[u8; 32],
        expires_at: Timestamp,
    ) -> Result<()> {
        self.change(|tx| {
            tx.prepare(sql!("login.link_insert"))?.execute((hash, expires_at.micros(), member.0))?;
            Ok(())
        })
    }

    /// Uses a link up: whose it was. `None` when it is unknown, used or expired.
    pub(in crate::sqlite) fn use_login_link(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<MemberKey>> {
        self.change(|tx| {
            let mut used = tx.prepare(sql!("login.link_use"))?;
            let found: Option<(i64, i64)> =
                used.query_row([hash], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
            tx.prepare(sql!("login.link_expire"))?.execute([now.micros()])?;
            Ok(found.filter(|(at, _)| *at > now.micros()).map(|(_, member)| MemberKey(member)))
        })
    }

    /// Opens a dashboard session.
    pub(in crate::sqlite) fn create_login(
        &self,
        hash: &[u8; 32],
        member: MemberKey,
        now: Timestamp,
    ) -> Result<()> {
        self.change(|tx| {
            let at = now.micros();
            tx.prepare(sql!("login.expire"))?.execute((at - idle_us(), at - age_us(), at))?;
            tx.prepare(sql!("login.insert"))?.execute((hash, at, member.0))?;
            tx.prepare(sql!("member.seen"))?.execute((member.0, at))?;
            Ok(())
        })
    }

    /// The living dashboard session; moves its idle time on, at most once a minute.
    pub(in crate::sqlite) fn touch_login(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Login>> {
        let found = self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("login.used_at"))?;
            Ok(statement.query_row([hash], Session::read).optional()?)
        })?;
        let at = now.micros();
        let alive = |s: &Session| {
            at - s.used_at < idle_us() && at - s.created_at < age_us() && s.ends_at.is_none_or(|end| at < end)
        };
        let Some(session) = found.filter(alive) else { return Ok(None) };
        if at - session.used_at >= MINUTE_US {
            // A full disk must not lock readers out.
            let touched = self.change(|tx| {
                tx.prepare(sql!("login.touch"))?.execute((hash, at))?;
                Ok(())
            });
            if let Err(error) = touched {
                tracing::warn!(%error, "could not note the use of a dashboard session");
            }
        }
        let stale = session.ends_at.is_none() && at - session.rotated_at >= rotation_us();
        let role = Role::parse(&session.role)
            .ok_or_else(|| StoreError::Backend(format!("role {:?}", session.role)))?;
        Ok(Some(Login { member: session.member, name: session.name, role, stale }))
    }

    /// Gives a session another secret; the old one counts for a minute, for requests on their way. `false` when another
    /// request was first.
    pub(in crate::sqlite) fn rotate_login(
        &self,
        old: &[u8; 32],
        new: &[u8; 32],
        now: Timestamp,
    ) -> Result<bool> {
        self.change(|tx| {
            let at = now.micros();
            if tx.prepare(sql!("login.replace"))?.execute((old, new, at))? == 0 {
                return Ok(false);
            }
            tx.prepare(sql!("login.retire"))?.execute((old, at + MINUTE_US))?;
            Ok(true)
        })
    }

    /// Ends a dashboard session.
    pub(in crate::sqlite) fn end_login(&self, hash: &[u8; 32]) -> Result<()> {
        self.change(|tx| {
            tx.prepare(sql!("login.delete"))?.execute([hash])?;
            Ok(())
        })
    }

    /// Notes an act.
    pub fn note(&self, entry: &NewAudit, now: Timestamp) -> Result<()> {
        self.change(|tx| {
            let NewAudit { actor, act, project, target, detail } = entry;
            tx.prepare_cached(sql!("audit.insert"))?.execute((
                now.micros(),
                actor,
                act.as_str(),
                project,
                target,
                detail,
            ))?;
            if tx.last_insert_rowid() % TRIM_EVERY == 0 {
                tx.prepare(sql!("audit.trim"))?.execute([AUDIT_ROWS])?;
            }
            Ok(())
        })
    }

    /// The newest acts.
    pub fn audit(&self, ask: &AuditAsk) -> Result<Vec<Audit>> {
        self.ask(|conn| {
            let before = ask.before.map_or(i64::MAX, |seq| i64::try_from(seq).unwrap_or(i64::MAX));
            let mut statement = conn.prepare_cached(sql!("audit.list"))?;
            let rows = statement.query_map((before, &ask.project, ask.limit as i64), |r| {
                let act: String = r.get(3)?;
                Ok(Act::parse(&act).map(|act| -> rusqlite::Result<Audit> {
                    Ok(Audit {
                        seq: r.get::<_, i64>(0)? as u64,
                        at: Timestamp::from_micros(r.get(1)?),
                        actor: r.get(2)?,
                        act,
                        project: r.get(4)?,
                        target: r.get(5)?,
                        detail: r.get(6)?,
                    })
                }))
            })?;
            let mut acts = Vec::new();
            for row in rows {
                if let Some(act) = row? {
                    acts.push(act?);
                }
            }
            Ok(acts)
        })
    }
}

struct Session {
    used_at: i64,
    created_at: i64,
    rotated_at: i64,
    ends_at: Option<i64>,
    member: MemberKey,
    name: String,
    role: String,
}

impl Session {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            used_at: row.get(0)?,
            created_at: row.get(1)?,
            rotated_at: row.get(2)?,
            ends_at: row.get(3)?,
            member: MemberKey(row.get(4)?),
            name: row.get(5)?,
            role: row.get(6)?,
        })
    }
}

fn keep_an_owner(tx: &rusqlite::Transaction<'_>, member: MemberKey) -> Result<()> {
    let others: i64 = tx.prepare(sql!("member.owners"))?.query_row([member.0], |r| r.get(0))?;
    if others == 0 {
        return Err(StoreError::Conflict("the last owner".into()));
    }
    Ok(())
}

fn member(row: &Row<'_>) -> rusqlite::Result<Result<Member>> {
    let role: String = row.get(2)?;
    let Some(role) = Role::parse(&role) else {
        return Ok(Err(StoreError::Backend(format!("role {role:?}"))));
    };
    Ok(Ok(Member {
        key: MemberKey(row.get(0)?),
        name: row.get(1)?,
        role,
        has_password: row.get(3)?,
        created_at: Timestamp::from_micros(row.get(4)?),
        seen_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_micros),
    }))
}

fn idle_us() -> i64 {
    limits::COOKIE_IDLE.as_micros() as i64
}

fn age_us() -> i64 {
    limits::COOKIE_AGE.as_micros() as i64
}

fn rotation_us() -> i64 {
    limits::COOKIE_ROTATION.as_micros() as i64
}
