//! What an issue consists of, and taking some of it out by hand: messages, clients, and what was taken out (`dashboard.md` §7.6, ADR 25).
//!
//! Called by the issue's page. Messages and names are captured text.

use maud::{Markup, html};
use trackway_store::query::{Apart, ApartBy, IssueClient, IssueDetail};

use super::issue_talk::Reader;
use super::issue_work::{May, form_of};
use super::place::Place;
use super::{chart, format, hostile, lists};

/// The messages its failures came with, and the clients they named.
pub(crate) fn parts(issue: &IssueDetail, reader: &Reader, place: &Place<'_>) -> Markup {
    let all = &issue.variants;
    if all.items.is_empty() {
        return html! {};
    }
    // Of one kind alone nothing can be taken out.
    let (out, of_clients) = (reader.may == May::Change && all.distinct > 1, all.clients.len() > 1);
    let most = all.items.iter().map(|v| v.events).max().unwrap_or(1);
    html! {
        section.panel.flush data-testid="variants" {
            h2 { "Variants of the message" span.aside.dim { (format::counted(all.distinct, "message", "messages")) " in the newest " (format::counted(all.looked_at, "failure", "failures")) } }
            div.scroll tabindex="0" role="region" aria-label="Variants of the message" { table.data {
                caption.sr { "Messages of the failures of this issue in the period" }
                thead { tr { th scope="col" { "Message" } th.num colspan="2" scope="col" { "Failures" } th.num scope="col" { "First" } th.num scope="col" { "Last" } @if out { th scope="col" { span.sr { "A group of its own" } } } } }
                tbody { @for v in &all.items { tr data-testid="variant-row" {
                    th.message scope="row" { @if v.message.is_empty() { span.dim { "no message given" } } @else { (hostile::line(&v.message, 240)) } }
                    td.bar-cell { (chart::share_bar(v.events, most, v.events)) }
                    td.num data-label="Failures" { (format::count(v.events)) }
                    td.num data-label="First" { (format::time(v.first, &format::ago(v.first, place.now))) }
                    td.num data-label="Last" { (format::time(v.last, &format::ago(v.last, place.now))) }
                    @if out { td.num { @if let Some(group) = v.group { (take_out(issue, group, ("message", &v.message), place)) } } }
                } } }
            } }
            @if all.distinct > all.items.len() as u64 { p.quiet { "The " (all.items.len()) " most frequent are shown." } }
        }
        @if of_clients { (clients(issue, reader, place)) }
    }
}

fn clients(issue: &IssueDetail, reader: &Reader, place: &Place<'_>) -> Markup {
    let all = &issue.variants.clients;
    let most = all.iter().map(|c| c.events).max().unwrap_or(1);
    let name = |c: &IssueClient| match &c.name {
        Some(name) if !name.is_empty() => html! { (hostile::line(name, 64)) },
        Some(_) | None => html! { span.dim { "did not name itself" } },
    };
    html! {
        section.panel.flush data-testid="issue-clients" {
            h2 { "Clients that met it" span.aside.dim { "in the newest " (format::counted(issue.variants.looked_at, "failure", "failures")) } }
            div.scroll tabindex="0" role="region" aria-label="Clients that met it" { table.data {
                caption.sr { "Clients that the failures of this issue named" }
                thead { tr { th scope="col" { "Client" } th.num colspan="2" scope="col" { "Failures" } @if reader.may == May::Change { th scope="col" { span.sr { "A group of its own" } } } } }
                tbody { @for c in all { tr data-testid="issue-client-row" {
                    th scope="row" { (name(c)) }
                    td.bar-cell { (chart::share_bar(c.events, most, c.events)) }
                    td.num data-label="Failures" { (format::count(c.events)) }
                    @if reader.may == May::Change { td.num { @if let (Some(group), Some(name)) = (c.group, &c.name) { (take_out(issue, group, ("client", name), place)) } } }
                } } }
            } }
        }
    }
}

fn take_out(issue: &IssueDetail, group: u64, (by, value): (&str, &str), place: &Place<'_>) -> Markup {
    form_of(
        group,
        issue.row.id,
        "take_out",
        place,
        html! {
            input type="hidden" name="by" value=(by); input type="hidden" name="value" value=(value);
            button.quiet title="these failures, and later ones like them, become an issue of their own" { "Take out" span.sr { " what has this " (by) } }
        },
    )
}

/// What it was taken out of.
pub(crate) fn origin(issue: &IssueDetail, reader: &Reader, place: &Place<'_>) -> Markup {
    let Some(of) = &issue.out_of else { return html! {} };
    html! {
        div.acts data-testid="out-of" {
            p { "Taken out of " (link_to(of, place)) " " (reason(&of.by)) "." }
            @if reader.may == May::Change { (put_back(issue.row.id, of.id, of.id, place)) }
        }
    }
}

/// What was taken out of it.
pub(crate) fn taken(issue: &IssueDetail, reader: &Reader, place: &Place<'_>) -> Markup {
    html! { @if !issue.taken_out.is_empty() {
        h3 { "Taken out of it" }
        ul.log data-testid="taken-out" { @for part in &issue.taken_out { li {
            (link_to(part, place)) " " span.dim { (reason(&part.by)) }
            @if part.moving { " " span.tag { "still moving" } }
            @if reader.may == May::Change { " " (put_back(part.id, issue.row.id, issue.row.id, place)) }
        } } }
    } }
}

fn put_back(part: u64, into: u64, back: u64, place: &Place<'_>) -> Markup {
    form_of(
        part,
        back,
        "merge",
        place,
        html! {
            input type="hidden" name="into" value=(into);
            button.quiet { "Put back" span.sr { " issue " (part) } }
        },
    )
}

fn link_to(part: &Apart, place: &Place<'_>) -> Markup {
    let shown = html! { "#" (part.id) " " (hostile::line(&part.title, 80)) };
    html! { @match lists::detail(place, "issues", &part.id.to_string()) { Some(href) => a href=(href) { (shown) }, None => (shown) } }
}

fn reason(by: &ApartBy) -> Markup {
    match by {
        ApartBy::Message(_) => html! { "by its message" },
        ApartBy::Alike(_) => html! { "by what its messages read like" },
        ApartBy::Client(name) => html! { "by the client " b { (hostile::line(name, 48)) } },
    }
}
