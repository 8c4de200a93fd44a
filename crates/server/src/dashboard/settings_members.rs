//! Settings, "Members and log": who may sign in to this server, and what admins did (F-152, F-156). For admins.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::{Timestamp, limits};
use trackway_store::{Act, Audit, Member, NewAudit, Role, StoreError};

use super::settings::{self, Tab};
use super::visit::Visit;
use super::{format, hostile, link};
use crate::auth;

/// Acts shown.
pub(crate) const ACTS: usize = 100;
/// Characters of a member's name.
const NAME_CHARS: usize = 60;

/// What the section shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vm {
    /// Who may sign in.
    pub members: Vec<Member>,
    /// What was done.
    pub acts: Vec<Audit>,
    /// A link that was just made, shown this once.
    pub made: Option<String>,
    /// Whether the reader may make and remove owners.
    pub owner: bool,
}

/// The form that lets someone in.
#[derive(Debug, Deserialize)]
pub(crate) struct AddForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
}

/// `POST /p/{p}/settings/members`: adds a member and shows their one-use link in this answer only.
pub(crate) async fn add(visit: Visit, Path(_): Path<String>, Form(form): Form<AddForm>) -> Response {
    let refuse = async |status, why: &str| {
        settings::page_at(&visit, status, Tab::Members, None, Some(why.to_owned())).await
    };
    let name: String = form.name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    let Some(role) = Role::parse(&form.role).filter(|_| !name.is_empty()) else {
        return refuse(StatusCode::BAD_REQUEST, "give a name, and choose what they may do").await;
    };
    if role == Role::Owner && !visit.guest.viewer.is_owner() {
        return refuse(StatusCode::FORBIDDEN, "only an owner makes owners").await;
    }
    let Ok(secret) = auth::login::random_text() else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the system gives no random numbers").await;
    };
    let (hash, now) = (auth::hash(&secret), visit.guest.now);
    let ends = now.plus_micros(i64::try_from(limits::LOGIN_LINK.as_micros()).unwrap_or(0));
    let act = NewAudit::new(visit.guest.viewer.actor(), Act::MemberAdd, name.clone()).detail(role.as_str());
    let added = visit.ask("add_member", move |store| {
        let member = store.add_member(&name, role, now)?;
        store.create_member_link(member.key, &hash, ends)?;
        store.note(act, now)
    });
    match added.await {
        Ok(()) => {
            let link = format!("{}/login?token={secret}", visit.origin);
            settings::page_at(&visit, StatusCode::OK, Tab::Members, Some(link), None).await
        }
        Err(problem) => refuse(problem.status(), &problem.detail).await,
    }
}

/// The form that ends a member.
#[derive(Debug, Deserialize)]
pub(crate) struct RemoveForm {
    #[serde(default)]
    name: String,
}

/// `POST /p/{p}/settings/members/remove`
pub(crate) async fn remove(visit: Visit, Path(_): Path<String>, Form(form): Form<RemoveForm>) -> Response {
    let (now, owner) = (visit.guest.now, visit.guest.viewer.is_owner());
    let act = NewAudit::new(visit.guest.viewer.actor(), Act::MemberRemove, form.name.clone());
    let removed = visit.ask("remove_member", move |store| {
        let found = store.members()?.into_iter().find(|m| m.name == form.name);
        let Some(member) = found.filter(|m| owner || m.role != Role::Owner) else {
            return Err(StoreError::BadQuestion(
                "there is no such member, or only an owner removes them".into(),
            ));
        };
        store.remove_member(member.key)?;
        store.note(act, now)
    });
    match removed.await {
        Ok(()) => {
            let to = format!("{}?tab=members", link::path(visit.project.id.as_str(), "settings"));
            Redirect::to(&to).into_response()
        }
        Err(problem) => {
            settings::page_at(&visit, problem.status(), Tab::Members, None, Some(problem.detail)).await
        }
    }
}

/// The section's body.
pub(crate) fn view(vm: &Vm, project: &str, now: Timestamp) -> Markup {
    let own = link::path(project, "settings");
    html! {
        @if let Some(link) = &vm.made {
            section.panel.stepbox data-testid="made-link" {
                h2 { "Their sign-in link" }
                p { "Give it to them: it works once, for 15 minutes, and is shown this once." }
                div.code { pre #code-link tabindex="0" { (link) } }
            }
        }
        section.panel.stepbox {
            h2 { "Let someone in" }
            form.fields method="post" action=(format!("{own}/members")) {
                div { label for="member-name" { "Name" } input #member-name name="name" required maxlength=(NAME_CHARS) autocomplete="off"; }
                div { label for="member-role" { "They may" } select #member-role name="role" {
                    option value="viewer" { "read" }
                    option value="member" selected { "read, and work on issues and people" }
                    option value="admin" { "also manage tokens, members and settings" }
                    @if vm.owner { option value="owner" { "everything" } }
                } }
                button.primary { "Add" }
            }
        }
        section.panel.flush data-testid="members" {
            h2 { "Members" span.aside { "of this server, all its projects" } }
            div.scroll tabindex="0" role="region" aria-label="Members" { table.data {
                caption.sr { "Members" }
                thead { tr { th scope="col" { "Name" } th scope="col" { "Role" } th scope="col" { "Signs in by" } th.num scope="col" { "Last sign-in" } th scope="col" { span.sr { "Remove" } } } }
                tbody { @for m in &vm.members { tr {
                    th scope="row" { (hostile::line(&m.name, NAME_CHARS)) }
                    td { (m.role.as_str()) }
                    td { @if m.has_password { "link or password" } @else { "link" } }
                    td.num { @match m.seen_at { Some(at) => (format::time(at, &format::ago(at, now))), None => "never" } }
                    td { @if vm.owner || m.role != Role::Owner {
                        form method="post" action=(format!("{own}/members/remove")) { input type="hidden" name="name" value=(m.name); button.quiet { "Remove" } }
                    } }
                } } }
            } }
        }
        section.panel.flush data-testid="audit" {
            h2 { "What was done" span.aside { "the newest " (ACTS) } }
            @if vm.acts.is_empty() { p.quiet { "Nothing yet." } } @else {
                div.scroll tabindex="0" role="region" aria-label="What was done" { table.data {
                    caption.sr { "Acts of admins" }
                    thead { tr { th scope="col" { "Who" } th scope="col" { "Did" } th scope="col" { "To" } th scope="col" { "Detail" } th.num scope="col" { "When" } } }
                    tbody { @for act in &vm.acts { tr {
                        th scope="row" { (hostile::line(&act.actor, 60)) }
                        td title=(act.act.explain()) { (act.act.as_str().replace('_', " ")) }
                        td { (hostile::line(&act.target, 80)) }
                        td { (hostile::line(&act.detail, 120)) }
                        td.num { (format::time(act.at, &format::ago(act.at, now))) }
                    } } }
                } }
            }
        }
    }
}
