//! The one table of keys (`dashboard.md` §4): the sheet is drawn from it, and a test holds `app.js` to it.

use maud::{Markup, html};

/// The keys, for the sheet; `app.js` binds the same ones.
pub(crate) const KEYS: &[(&str, &[(&str, &str)])] = &[
    (
        "Anywhere",
        &[
            ("Ctrl K", "search or jump"),
            ("/", "filter box"),
            ("?", "this sheet"),
            ("Esc", "close"),
            ("g o", "Overview"),
            ("g l", "Live"),
            ("g s", "Sessions"),
            ("g t", "Tools"),
            ("g e", "Issues"),
            ("g i", "Goals"),
            ("g c", "Clients"),
            ("g p", "People"),
            ("g ,", "Settings"),
            ("g +", "Add a source"),
        ],
    ),
    (
        "Period",
        &[
            ("1 2 3 4", "24 h, 7 d, 30 d, 90 d"),
            ("< >", "one period earlier, later"),
            ("c", "comparison on or off"),
        ],
    ),
    (
        "List",
        &[
            ("j k", "next, previous row"),
            ("Enter", "open"),
            ("p", "open beside the list"),
            ("o", "open in a new tab"),
            ("f", "filter by the row's first value"),
            ("y", "copy link"),
            ("[ ]", "from what it opened: the one before, after"),
        ],
    ),
    ("Issues", &[("e", "resolve"), ("i", "archive"), ("a", "assign"), ("m", "merge")]),
    (
        "Replay",
        &[
            ("← →", "step"),
            ("n N", "next, previous failure"),
            ("Space", "play or pause"),
            ("h", "show or hide listings"),
            ("t", "order or time"),
        ],
    ),
    ("Live", &[("Space", "pause or follow")]),
];

/// The sheet, opened by `?`.
pub(crate) fn sheet() -> Markup {
    html! {
        div #keys.sheet popover role="dialog" aria-labelledby="keys-title" {
            h2 #keys-title { "Keyboard" }
            div.cols { @for (place, keys) in KEYS {
                section { h3 { (place) } dl { @for (key, what) in *keys { dt { @for k in key.split(' ') { kbd { (k) } } } dd { (what) } } } }
            } }
            label.switch { input #keys-off type="checkbox"; " Turn single-key shortcuts off" }
        }
    }
}
