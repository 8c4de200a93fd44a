//! Who may sign in, and what was done: members with their roles, dashboard sessions, the audit log.
//!
//! Called through [`crate::Store`] by the server and through `ControlDb` by the verbs. Invariant: no secret is in any of
//! these; sessions and links are known by the SHA-256 of their secret.

use trackway_event::Timestamp;

/// A member's number inside this installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberKey(pub i64);

impl MemberKey {
    /// Whoever starts the server; the links that `serve` and `open` print sign this member in.
    pub const OWNER: Self = Self(1);
}

/// What a member may do; each may do what those below it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Read every project.
    Viewer,
    /// Change what a project works on: the state of issues, people, saved things.
    Member,
    /// Tokens, projects, members, retention, deletions.
    Admin,
    /// Make and remove owners.
    Owner,
}

impl Role {
    /// Every role, the weakest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Someone who may sign in.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Number.
    pub key: MemberKey,
    /// Name to sign in with; unique.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have a password; without one they sign in by one-use links.
    pub has_password: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub seen_at: Option<Timestamp>,
}

/// A living dashboard session.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// Whose.
    pub member: MemberKey,
    /// Their name.
    pub name: String,
    /// Their role now; a changed role counts at once.
    pub role: Role,
    /// Whether its secret is old enough to be exchanged.
    pub stale: bool,
}

/// An act to note.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAudit {
    /// Who: a member's name, `token tok_…`, or `cli`.
    pub actor: String,
    /// What, from [`Act`].
    pub act: Act,
    /// The project it is about.
    pub project: Option<String>,
    /// The thing it was done to.
    pub target: String,
    /// What else there is to say; never a secret.
    pub detail: String,
}

impl NewAudit {
    /// An act of this actor on this thing.
    pub fn new(actor: impl Into<String>, act: Act, target: impl Into<String>) -> Self {
        Self { actor: actor.into(), act, project: None, target: target.into(), detail: String::new() }
    }

    /// The project it is about.
    pub fn of(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// What else there is to say; never a secret.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

macro_rules! acts {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// What can be in the audit log: every act of an admin.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Act { $(#[doc = $doc] $variant,)* }

        impl Act {
            /// Every act.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, stable.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it means.
            pub const fn explain(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

acts! {
    SignIn "sign_in" "Someone signed in to the dashboard",
    ProjectCreate "project_create" "A project was made or given another name",
    ProjectDelete "project_delete" "A project was deleted with all its data",
    TokenCreate "token_create" "A bearer token was made",
    TokenRevoke "token_revoke" "A bearer token was revoked",
    MemberAdd "member_add" "Someone may sign in from now on",
    MemberRemove "member_remove" "Someone may not sign in any more",
    MemberRole "member_role" "A member may do more or less than before",
    MemberPassword "member_password" "A member's password was set or taken away",
    SettingChange "setting_change" "A setting of a project was changed",
    IssueChange "issue_change" "An error group was resolved, archived, opened again, merged or split",
    WishChange "wish_change" "It was noted what becomes of a wish",
    MergeChange "merge_change" "Two ids were told apart, or are one person again",
    JoinedChange "joined_change" "A session was split, parted from the one it continues, or joined",
    ViewChange "view_change" "A saved view was made, changed or deleted",
    RetentionRun "retention_run" "Old data was removed",
    PersonExport "person_export" "One person's data was read out",
    PersonDelete "person_delete" "One person's data was deleted",
    Export "export" "Data was read out as a file",
    Import "import" "Data was read in from a file",
    BackupCreate "backup_create" "The data was copied",
    BackupRestore "backup_restore" "The data began from a copy",
}

impl Act {
    /// The act of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.as_str() == text)
    }
}

/// An act that was noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// Place in the log.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub act: Act,
    /// The project it is about.
    pub project: Option<String>,
    /// The thing it was done to.
    pub target: String,
    /// What else there is to say.
    pub detail: String,
}

/// Which acts are asked for.
#[derive(Clone, Debug, Default)]
pub struct AuditAsk {
    /// Only before this one.
    pub before: Option<u64>,
    /// Only about this project.
    pub project: Option<String>,
    /// How many at most.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert!(Role::ALL.into_iter().all(|role| Role::parse(role.as_str()) == Some(role)));
        assert!(Act::ALL.iter().all(|act| Act::parse(act.as_str()) == Some(*act)));
        assert!(Role::Owner > Role::Admin && Role::Admin > Role::Member && Role::Member > Role::Viewer);
        assert_eq!(Role::parse("root"), None);
    }
}
