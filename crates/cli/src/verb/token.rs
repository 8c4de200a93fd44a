//! `trackway token create|list|revoke`, straight on `trackway.db`: a running server sees the change within 1 s (D33).
//!
//! Invariant (INV-09): a token's text is printed once, when it is made, and stored nowhere; only its SHA-256 is.

use serde_json::json;
use trackway_store::sqlite::ControlDb;
use trackway_store::{Act, NewToken, Project, StoreError, TokenScope};

use super::audit;
use crate::args::{Global, Scope, Token};
use crate::failure::{Exit, Failure, Result};
use crate::{output, secret};

/// Random characters of a token: 256 bits.
const SECRET_CHARS: usize = 43;
/// Characters of a token that are kept to tell it by.
const PREFIX_CHARS: usize = 8;

pub(super) fn run(global: &Global, verb: Token) -> Result<()> {
    match verb {
        Token::Create { project, scope, name, events_per_second, json } => {
            let control = super::control(global)?;
            let project = find(&control, project.as_deref())?;
            let scope = scope_of(scope);
            if project.is_none() && scope != TokenScope::Admin {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("a token of scope {} needs a project", scope.as_str()),
                )
                .next(format!("trackway token create --project ID --scope {}", scope.as_str())));
            }
            let text = format!("twt_{}", secret::random_text(SECRET_CHARS)?);
            let new = new_token(&text, project.as_ref(), scope, output::harmless(&name))?;
            let new = NewToken { per_second: events_per_second.into(), ..new };
            let token = control.create_token(new, super::now())?;
            let act = audit::act(Act::TokenCreate, &token.id).detail(scope.as_str());
            audit::note(&control, act, project.as_ref())?;
            if json {
                return output::json(&json!({ "id": token.id, "token": text, "scope": scope.as_str(),
                    "project": project.map(|project| project.id), "name": token.name,
                    "events_per_second": token.per_second }));
            }
            output::print(&format!("{text}\n"))
        }
        Token::List { project, json } => list(&super::control(global)?, project.as_deref(), Form::of(json)),
        Token::Revoke { id } => {
            let control = super::control(global)?;
            let of = control.tokens(None)?.into_iter().find(|token| token.id == id).and_then(|t| t.project);
            if control.revoke_token(&id, super::now())? {
                let project = control.projects()?.into_iter().find(|project| Some(project.key) == of);
                audit::note(&control, audit::act(Act::TokenRevoke, &id), project.as_ref())?;
                return output::print(&format!("{} is revoked\n", output::harmless(&id)));
            }
            Err(Failure::new(Exit::Negative, format!("there is no token {}", output::harmless(&id)))
                .next("trackway token list"))
        }
    }
}

/// A token with this text, ready to be stored.
///
/// # Errors
/// When the system gives no random numbers.
pub(super) fn new_token(
    text: &str,
    project: Option<&Project>,
    scope: TokenScope,
    name: String,
) -> Result<NewToken> {
    Ok(NewToken {
        id: format!("tok_{}", secret::random_text(16)?),
        project: project.map(|project| project.key),
        scope,
        hash: secret::hash(text),
        prefix: text.chars().take(PREFIX_CHARS).collect(),
        name,
        per_second: 0,
    })
}

/// How a list is printed.
enum Form {
    Table,
    Json,
}

impl Form {
    fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Table }
    }
}

fn list(control: &ControlDb, project: Option<&str>, form: Form) -> Result<()> {
    let project = find(control, project)?;
    let tokens = control.tokens(project.map(|project| project.key))?;
    let projects = control.projects()?;
    let name_of =
        |key| projects.iter().find(|project| Some(project.key) == key).map(|project| project.id.to_string());
    match form {
        Form::Json => {
            let items = tokens.iter().map(|token| {
                json!({ "id": token.id, "prefix": token.prefix, "scope": token.scope.as_str(),
                    "project": name_of(token.project), "name": token.name,
                    "events_per_second": token.per_second,
                    "created_at": token.created_at.to_string(),
                    "last_used_at": token.last_used_at.map(|at| at.to_string()) })
            });
            output::json(&json!({ "items": items.collect::<Vec<_>>(), "next": null }))
        }
        Form::Table => {
            let rows: Vec<Vec<String>> = tokens
                .iter()
                .map(|token| {
                    vec![
                        token.id.clone(),
                        format!("{}…", token.prefix),
                        token.scope.as_str().to_owned(),
                        name_of(token.project).unwrap_or_else(|| "all".to_owned()),
                        output::harmless(&token.name),
                        if token.per_second == 0 {
                            "-".to_owned()
                        } else {
                            format!("{}/s", token.per_second)
                        },
                        token.last_used_at.map_or_else(|| "never used".to_owned(), |at| at.to_string()),
                    ]
                })
                .collect();
            output::table(&["ID", "TOKEN", "SCOPE", "PROJECT", "NAME", "RATE", "LAST USED"], &rows)
        }
    }
}

fn find(control: &ControlDb, id: Option<&str>) -> Result<Option<Project>> {
    let Some(id) = id else { return Ok(None) };
    Ok(Some(control.project(id)?.ok_or(StoreError::UnknownProject)?))
}

const fn scope_of(scope: Scope) -> TokenScope {
    match scope {
        Scope::Ingest => TokenScope::Ingest,
        Scope::Read => TokenScope::Read,
        Scope::Admin => TokenScope::Admin,
    }
}
