//! The sign-in page. Sign-in itself is `crate::auth`'s; this is only how it looks.

use maud::{Markup, html};

use super::frame::{self, Theme};
use super::hostile;
use super::icons::{Icon, icon};

/// The page. `token` is empty where there is none yet; `next` is where the reader goes afterwards; `why` says what went wrong.
pub(crate) fn page(theme: Theme, token: &str, next: &str, why: Option<&str>) -> Markup {
    frame::bare(
        theme,
        "Sign in",
        html! {
            @if let Some(why) = why { p.strip.fail role="alert" data-testid="login-error" { (icon(Icon::Fail)) span { (hostile::line(why, 300)) } } }
            form method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                @if token.is_empty() {
                    p { "Trackway prints a sign-in link that works once, for 15 minutes: when it starts, and whenever you run" }
                    pre.cmd { "trackway open" }
                    label for="token" { "Or paste the link's token" }
                    div.row { input #token name="token" type="text" autocomplete="one-time-code" spellcheck="false" required maxlength="400"; button.primary { "Sign in" } }
                } @else {
                    p { "This link signs you in once." }
                    input type="hidden" name="token" value=(token);
                    button.primary autofocus { "Sign in" }
                }
            }
            @if token.is_empty() { (by_password(next)) }
        },
    )
}

/// The second way in, for members who were given a password.
fn by_password(next: &str) -> Markup {
    html! {
        details { summary { "I have a password" }
            form method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                label for="name" { "Name" }
                input #name name="name" type="text" autocomplete="username" spellcheck="false" required maxlength="100";
                label for="password" { "Password" }
                div.row { input #password name="password" type="password" autocomplete="current-password" required maxlength="1024"; button.primary { "Sign in" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_token_stays_text() {
        let html =
            page(Theme::System, "\"><script>alert(1)</script>", "/x\"y", Some("<b>no</b>")).into_string();
        assert!(!html.contains("<script>alert") && !html.contains("<b>no"));
        assert!(html.contains("action=\"/login\"") && html.contains("name=\"token\""));
    }
}
