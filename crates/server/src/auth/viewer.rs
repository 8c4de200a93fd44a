//! Who asks, and the table of what each may do (D35, F-156, F-157). Looked up with every request: a revoked token, a removed
//! member and a changed role count at once.

use axum::extract::FromRequestParts;
use http::request::Parts;
use trackway_store::{MemberKey, ProjectKey, Role, TokenScope};

use crate::problem::Problem;
use crate::state::AppState;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Signed in by cookie.
    Login {
        /// Hash of the cookie, for signing out.
        hash: [u8; 32],
        /// Who it is.
        member: MemberKey,
        /// Their name.
        name: String,
        /// What they may do.
        role: Role,
        /// Whether the cookie is old enough to be exchanged.
        stale: bool,
    },
    /// A bearer token.
    Token {
        /// Its public id.
        id: String,
        /// Hash of its text.
        hash: [u8; 32],
        /// What it may do.
        scope: TokenScope,
        /// The project it is bound to.
        project: Option<ProjectKey>,
        /// Events a second that may come in with it; 0: as many as its project's.
        per_second: u64,
    },
}

impl Viewer {
    /// Whether rows of this project may be shown.
    pub fn may_read(&self, project: ProjectKey) -> bool {
        match self {
            Self::Login { .. } => true,
            Self::Token { scope: TokenScope::Ingest, .. } => false,
            Self::Token { scope: TokenScope::Read, project: bound, .. } => *bound == Some(project),
            Self::Token { scope: TokenScope::Admin, project: bound, .. } => {
                bound.is_none_or(|bound| bound == project)
            }
        }
    }

    /// Whether what this project works on may be changed: the state of issues, people, saved things.
    pub fn may_change(&self, project: ProjectKey) -> bool {
        self.may_read(project) && self.changes_at_all()
    }

    /// Whether it may make projects, tokens and members, and decide what is kept.
    pub fn is_admin(&self) -> bool {
        match self {
            Self::Login { role, .. } => *role >= Role::Admin,
            Self::Token { scope, project, .. } => *scope == TokenScope::Admin && project.is_none(),
        }
    }

    /// Whether it may make and remove owners.
    pub fn is_owner(&self) -> bool {
        match self {
            Self::Login { role, .. } => *role == Role::Owner,
            Self::Token { .. } => self.is_admin(),
        }
    }

    /// Its name in the audit log.
    pub fn actor(&self) -> String {
        match self {
            Self::Login { name, .. } => name.clone(),
            Self::Token { id, .. } => format!("token {id}"),
        }
    }

    pub(super) fn reads_at_all(&self) -> bool {
        match self {
            Self::Login { .. } => true,
            Self::Token { scope, .. } => *scope != TokenScope::Ingest,
        }
    }

    pub(super) fn changes_at_all(&self) -> bool {
        match self {
            Self::Login { role, .. } => *role >= Role::Member,
            Self::Token { scope, .. } => *scope == TokenScope::Admin,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(super::unauthorized)
    }
}

/// The living token of this hash.
pub(super) async fn of_token(state: &AppState, hash: [u8; 32]) -> Result<Option<Viewer>, Problem> {
    let token = state.ask("token", move |store| store.token_by_hash(&hash)).await?;
    Ok(token.map(|t| Viewer::Token {
        id: t.id,
        hash,
        scope: t.scope,
        project: t.project,
        per_second: t.per_second,
    }))
}

/// The living dashboard session of this hash.
pub(super) async fn of_login(state: &AppState, hash: [u8; 32]) -> Result<Option<Viewer>, Problem> {
    let now = state.now();
    let login = state.ask("login", move |store| store.touch_login(&hash, now)).await?;
    Ok(login.map(|l| Viewer::Login { hash, member: l.member, name: l.name, role: l.role, stale: l.stale }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_do_what() {
        let (a, b) = (ProjectKey(1), ProjectKey(2));
        let token = |scope, project| Viewer::Token {
            id: "tok_1".into(),
            hash: [1; 32],
            scope,
            project,
            per_second: 0,
        };
        let login = |role| Viewer::Login {
            hash: [0; 32],
            member: MemberKey::OWNER,
            name: "ann".into(),
            role,
            stale: false,
        };
        for (viewer, reads, changes, admin, owner) in [
            (login(Role::Owner), (true, true), (true, true), true, true),
            (login(Role::Admin), (true, true), (true, true), true, false),
            (login(Role::Member), (true, true), (true, true), false, false),
            (login(Role::Viewer), (true, true), (false, false), false, false),
            (token(TokenScope::Admin, None), (true, true), (true, true), true, true),
            (token(TokenScope::Admin, Some(a)), (true, false), (true, false), false, false),
            (token(TokenScope::Read, Some(a)), (true, false), (false, false), false, false),
            (token(TokenScope::Read, None), (false, false), (false, false), false, false),
            (token(TokenScope::Ingest, Some(a)), (false, false), (false, false), false, false),
        ] {
            assert_eq!((viewer.may_read(a), viewer.may_read(b)), reads, "{viewer:?}");
            assert_eq!((viewer.may_change(a), viewer.may_change(b)), changes, "{viewer:?}");
            assert_eq!((viewer.is_admin(), viewer.is_owner()), (admin, owner), "{viewer:?}");
        }
        assert_eq!(login(Role::Admin).actor(), "ann");
        assert_eq!(token(TokenScope::Admin, None).actor(), "token tok_1");
    }
}
