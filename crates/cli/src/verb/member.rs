//! `trackway member add|list|link|role|password|remove`, straight on `trackway.db`: a running server sees the change with its next
//! request (D33, F-156).
//!
//! Invariant (INV-09): a password is read from standard input, never from the command line, and kept as argon2id only.

use std::io::Read;

use serde_json::json;
use trackway_server::auth::password;
use trackway_store::sqlite::ControlDb;
use trackway_store::{Act, Member as Stored, Role as Right};

use super::audit;
use super::serve::{link, link_end, told_address};
use crate::args::{Global, Json, Member, Role};
use crate::failure::{Exit, Failure, Result};
use crate::{config, output, secret};

/// Characters of a name.
const NAME_CHARS: usize = 60;

pub(super) fn run(global: &Global, verb: Member) -> Result<()> {
    let control = super::control(global)?;
    match verb {
        Member::Add { name, role, json } => {
            let name = name_of(&name)?;
            let member = control.add_member(&name, right(role), super::now())?;
            audit::note(&control, audit::act(Act::MemberAdd, &name).detail(member.role.as_str()), None)?;
            let link = new_link(global, &control, &member)?;
            if json {
                return output::json(&json!({ "name": name, "role": member.role.as_str(), "link": link,
                    "expires_at": link_end().to_string() }));
            }
            output::print(&format!("{link}\n"))
        }
        Member::List(args) => list(&control, &args),
        Member::Link { name } => {
            let member = find(&control, &name)?;
            output::print(&format!("{}\n", new_link(global, &control, &member)?))
        }
        Member::Role { name, role } => {
            let member = find(&control, &name)?;
            control.set_role(member.key, right(role)).map_err(last_owner)?;
            let act = audit::act(Act::MemberRole, &member.name);
            audit::note(&control, act.detail(right(role).as_str()), None)?;
            output::print(&format!("{} is {} now\n", member.name, right(role).as_str()))
        }
        Member::Password { name, none } => {
            let member = find(&control, &name)?;
            let hash = if none { None } else { Some(given_password()?) };
            control.set_password(member.key, hash.as_deref())?;
            let what = if none { "taken away" } else { "set" };
            audit::note(&control, audit::act(Act::MemberPassword, &member.name).detail(what), None)?;
            output::print(&format!("the password of {} is {what}; their sessions have ended\n", member.name))
        }
        Member::Remove { name } => {
            let member = find(&control, &name)?;
            control.remove_member(member.key).map_err(last_owner)?;
            audit::note(&control, audit::act(Act::MemberRemove, &member.name), None)?;
            output::print(&format!("{} may not sign in any more\n", member.name))
        }
    }
}

fn list(control: &ControlDb, args: &Json) -> Result<()> {
    let members = control.members()?;
    if args.json {
        let items = members.iter().map(|m| {
            json!({ "name": m.name, "role": m.role.as_str(), "has_password": m.has_password,
                "created_at": m.created_at.to_string(), "seen_at": m.seen_at.map(|at| at.to_string()) })
        });
        return output::json(&json!({ "items": items.collect::<Vec<_>>(), "next": null }));
    }
    let rows: Vec<Vec<String>> = members
        .iter()
        .map(|m| {
            vec![
                output::harmless(&m.name),
                m.role.as_str().to_owned(),
                if m.has_password { "link or password" } else { "link" }.to_owned(),
                m.seen_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            ]
        })
        .collect();
    output::table(&["NAME", "ROLE", "SIGNS IN BY", "LAST SIGN-IN"], &rows)
}

/// A link that signs this member in once; of the running server where there is one.
fn new_link(global: &Global, control: &ControlDb, member: &Stored) -> Result<String> {
    let data = config::data_dir(&super::layers(global, vec![])?)?.path().clone();
    let url = told_address(&data).unwrap_or_else(|| "http://127.0.0.1:7431".to_owned());
    let text = secret::random_text(43)?;
    control.create_member_link(member.key, &secret::hash(&text), link_end())?;
    Ok(link(&url, &text))
}

fn name_of(text: &str) -> Result<String> {
    let name = output::harmless(text.trim());
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(Failure::new(Exit::Usage, format!("a member's name has 1 to {NAME_CHARS} characters")));
    }
    Ok(name)
}

fn find(control: &ControlDb, name: &str) -> Result<Stored> {
    let found = control.members()?.into_iter().find(|member| member.name == name.trim());
    found.ok_or_else(|| {
        Failure::new(Exit::Negative, format!("there is no member {}", output::harmless(name)))
            .next("trackway member list")
    })
}

fn given_password() -> Result<String> {
    let mut text = String::new();
    let most = password::LONGEST as u64 + 2;
    std::io::stdin().take(most).read_to_string(&mut text).map_err(|error| {
        Failure::new(Exit::Usage, "no password can be read from standard input").why(error.to_string())
    })?;
    password::hash(text.trim_end_matches(['\r', '\n']))
        .map_err(|why| Failure::new(Exit::Usage, "the password was not set").why(why))
}

fn last_owner(error: trackway_store::StoreError) -> Failure {
    match error {
        trackway_store::StoreError::Conflict(_) => {
            Failure::new(Exit::Negative, "the last owner stays").next("trackway member role NAME owner")
        }
        other => other.into(),
    }
}

const fn right(role: Role) -> Right {
    match role {
        Role::Viewer => Right::Viewer,
        Role::Member => Right::Member,
        Role::Admin => Right::Admin,
        Role::Owner => Right::Owner,
    }
}
