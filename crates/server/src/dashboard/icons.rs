//! Trackway's own 16 px icons: 1.5 px strokes with square ends, coloured by the text around them. Called by the views.

use maud::{Markup, PreEscaped, html};

/// One of our icons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Overview.
    Overview,
    /// Live.
    Live,
    /// Sessions.
    Sessions,
    /// Tools.
    Tools,
    /// Issues.
    Issues,
    /// People.
    People,
    /// Clients.
    Clients,
    /// Catalog.
    Catalog,
    /// Settings.
    Settings,
    /// Add a source.
    Source,
    /// Search.
    Search,
    /// Theme.
    Theme,
    /// Keys.
    Keys,
    /// Remove.
    Close,
    /// Down.
    Down,
    /// Back.
    Back,
    /// Forward.
    Next,
    /// Copy.
    Copy,
    /// Done.
    Tick,
    /// Not done.
    Open,
    /// Failure.
    Fail,
    /// Warning.
    Warn,
    /// Note.
    Info,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// Sign out.
    Leave,
    /// A person was named.
    Flag,
    /// Asked for a tool that is not there.
    Missing,
    /// An event of the customer's own.
    Custom,
    /// Listing or handshake.
    Listing,
    /// A call that went well.
    Call,
    /// A retry.
    Retry,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Overview => r#"<path d="M2.5 13.5v-5M6.2 13.5v-9M9.8 13.5V7M13.5 13.5v-11"/>"#,
            Self::Live => r#"<path d="M1.5 8h3l2-4.5 3 9L11.5 8h3"/>"#,
            Self::Sessions => r#"<path d="M1.5 8h13M4.5 5v6M8 3.5v9M11.5 6v4"/>"#,
            Self::Tools => {
                r#"<path d="M13.2 4.6 10.8 7 9 5.2l2.4-2.4A3.6 3.6 0 0 0 6.9 7.4l-4.4 4.4 1.7 1.7 4.4-4.4a3.6 3.6 0 0 0 4.6-4.5z"/>"#
            }
            Self::Issues => r#"<path d="m8 2.2 5.8 5.8L8 13.8 2.2 8zM8 5.4v3.2M8 10.4h.01"/>"#,
            Self::People => {
                r#"<circle cx="8" cy="5.2" r="2.7"/><path d="M2.7 13.5c.5-2.9 2.6-4.4 5.3-4.4s4.8 1.5 5.3 4.4"/>"#
            }
            Self::Clients => r#"<path d="M2.5 3.5h11v7h-11zM6 13.5h4M8 10.5v3"/>"#,
            Self::Settings => {
                r#"<path d="M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6"/><circle cx="10" cy="4.5" r="1.75"/><circle cx="6" cy="11.5" r="1.75"/>"#
            }
            Self::Source => r#"<path d="M8 2.5v11M2.5 8h11"/>"#,
            Self::Search => r#"<circle cx="7" cy="7" r="4.25"/><path d="m10.2 10.2 3.6 3.6"/>"#,
            Self::Theme => {
                r#"<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor"/>"#
            }
            Self::Keys => r#"<path d="M1.5 4.5h13v7h-13zM4.5 9.5h7M4 7h.01M6.7 7h.01M9.3 7h.01M12 7h.01"/>"#,
            Self::Close => r#"<path d="m4 4 8 8M12 4l-8 8"/>"#,
            Self::Down => r#"<path d="m4 6.2 4 4 4-4"/>"#,
            Self::Back => r#"<path d="M9.8 4 5.8 8l4 4"/>"#,
            Self::Next => r#"<path d="m6.2 4 4 4-4 4"/>"#,
            Self::Copy => r#"<path d="M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3"/>"#,
            Self::Tick => r#"<path d="m3 8.5 3.2 3.2L13 5"/>"#,
            Self::Open => r#"<circle cx="8" cy="8" r="4.5" stroke-dasharray="2.4 2.3"/>"#,
            Self::Fail => r#"<path d="m8 2.6 5.4 5.4L8 13.4 2.6 8z" fill="currentColor"/>"#,
            Self::Warn => r#"<path d="M8 2.8 14 13H2zM8 6.5v3M8 11.2h.01"/>"#,
            Self::Info => r#"<circle cx="8" cy="8" r="5.5"/><path d="M8 7.2v3.6M8 5h.01"/>"#,
            Self::Play => r#"<path d="M4.5 3v10l8-5z" fill="currentColor"/>"#,
            Self::Pause => r#"<path d="M5 3.5v9M11 3.5v9" stroke-width="2.5"/>"#,
            Self::Leave => r#"<path d="M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3"/>"#,
            Self::Catalog => r#"<path d="M3 2.5h10v11H3zM3 6h10M3 9.5h10M6 2.5v11"/>"#,
            Self::Flag => r#"<path d="M4 14V2.5M4 3h8l-2 2.7L12 8.5H4"/>"#,
            Self::Missing => r#"<circle cx="8" cy="8" r="4.2"/>"#,
            Self::Custom => r#"<path d="M8 4 12.5 12h-9z"/>"#,
            Self::Listing => r#"<path d="M3 4.5h10M3 8h10M3 11.5h6"/>"#,
            Self::Call => r#"<path d="M8 4v8" stroke-width="3"/>"#,
            Self::Retry => r#"<path d="M5 2.5v7.2h7M9 6.7l3 3-3 3"/>"#,
        }
    }
}

/// The icon, hidden from assistive technology: a word is always beside it.
pub(crate) fn icon(which: Icon) -> Markup {
    html! {
        svg.icon width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5"
            aria-hidden="true" focusable="false" { (PreEscaped(which.path())) }
    }
}

/// The sign of the house: a rail with three marks.
pub(crate) fn logo() -> Markup {
    html! {
        svg.logo width="30" height="16" viewBox="0 0 30 16" aria-hidden="true" focusable="false" {
            path.rail d="M1 8h28" {}
            path.bars d="M7.5 4v8M15 1v14M22.5 5.5v5" {}
        }
    }
}
