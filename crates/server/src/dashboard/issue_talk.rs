//! What was done to an issue and said of it: activity with comments, and what was merged into it (`dashboard.md` §7.6).
//!
//! Called by the issue's page. Names and words are captured text.

use maud::{Markup, html};
use trackway_store::query::{COMMENT_CHARS, IssueDetail, IssueNote};

use super::issue_apart as apart;
use super::issue_work::{May, form, form_of};
use super::place::Place;
use super::{format, hostile};

/// Who reads, and whom an issue can be given to.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    /// What they may do.
    pub may: May,
    /// Their name.
    pub name: String,
    /// Whether they may delete what others said.
    pub tidies: Tidies,
    /// Members, by name; none for who may only look.
    pub members: Vec<String>,
}

/// Whose comments a reader may delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tidies {
    /// Their own.
    Own,
    /// All.
    All,
}

/// Comments and acts, newest first, and what belongs together.
pub(crate) fn activity(issue: &IssueDetail, reader: &Reader, place: &Place<'_>) -> Markup {
    html! {
        section.panel data-testid="history" {
            h2 { "Activity" }
            @if reader.may == May::Change {
                (form(issue, "comment", place, html! {
                    textarea name="words" rows="2" maxlength=(COMMENT_CHARS) required aria-label="A comment" placeholder="What do you know about it?" {}
                    button { "Comment" }
                }))
            }
            @if issue.history.is_empty() { p.quiet { "Nobody has decided anything yet." } } @else {
                ul.log { @for note in &issue.history { li { (line(issue, note, reader, place)) } } }
            }
            @if !issue.members.is_empty() {
                h3 { "Merged into it" }
                ul.log { @for member in &issue.members { li {
                    span { "#" (member.id) " " (hostile::line(&member.title, 80)) }
                    @if reader.may == May::Change { " " (form_of(member.id, issue.row.id, "split", place, html! { button.quiet { "Split" span.sr { " issue " (member.id) } } })) }
                } } }
            }
            (apart::taken(issue, reader, place))
        }
    }
}

fn line(issue: &IssueDetail, note: &IssueNote, reader: &Reader, place: &Place<'_>) -> Markup {
    let own = note.who == reader.name || reader.tidies == Tidies::All;
    html! {
        span { b { (hostile::line(&note.who, 40)) } " " (hostile::line(&note.what, 100)) }
        " " span.dim { (format::time(note.at, &format::ago(note.at, place.now))) }
        @if let Some(words) = &note.comment {
            @if reader.may == May::Change && own {
                " " (form(issue, "uncomment", place, html! { input type="hidden" name="comment" value=(note.id); button.quiet { "Delete" span.sr { " the comment" } } }))
            }
            p.said data-testid="comment" { (hostile::text(words)) }
        }
    }
}
