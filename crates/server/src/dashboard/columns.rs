//! The columns of a list (`dashboard.md` §3, `cols`): which there are, which are shown, and the menu that chooses.
//!
//! A list keeps a table of its columns; [`chosen`] reads the address, [`menu`] is a form that writes it: nothing is kept but the
//! URL, and it works without script. The first column names the row and always stays. Files hold every column.

use maud::{Markup, html};

use super::bar;
use super::hostile;
use super::icons::{Icon, icon};
use super::link::Params;
use super::place::Place;

/// A column of a list, as the menu and the address know it.
pub(crate) trait Column: 'static {
    /// Its name in addresses.
    fn key(&self) -> &'static str;
    /// Its name for a reader.
    fn name(&self) -> &'static str;
    /// Whether it is shown where the address names none.
    fn usual(&self) -> bool;
}

/// A column that a table draws itself.
pub(crate) struct Named {
    key: &'static str,
    name: &'static str,
    usual: bool,
}

impl Named {
    /// One that is shown where the address names none.
    pub(crate) const fn of(key: &'static str, name: &'static str) -> Self {
        Self { key, name, usual: true }
    }

    /// One that is shown when it is asked for.
    pub(crate) const fn rare(key: &'static str, name: &'static str) -> Self {
        Self { key, name, usual: false }
    }
}

impl Column for Named {
    fn key(&self) -> &'static str {
        self.key
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn usual(&self) -> bool {
        self.usual
    }
}

/// Which columns such a table draws.
pub(crate) enum Shown {
    /// All.
    All,
    /// Those of these keys.
    Some(Vec<&'static str>),
}

impl Shown {
    /// Those that the address chooses of a table.
    pub(crate) fn of(all: &'static [Named], params: &Params) -> Self {
        Self::Some(chosen(all, params).iter().map(|c| c.key()).collect())
    }

    /// Whether the column of this key is drawn.
    pub(crate) fn has(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(keys) => keys.contains(&key),
        }
    }
}

/// The columns to show, in the order of the table; the first of it always, the usual ones where the address names none it has.
pub(crate) fn chosen<C: Column>(all: &'static [C], params: &Params) -> Vec<&'static C> {
    let asked: Vec<&str> = params.cols.as_deref().map_or_else(Vec::new, |cols| cols.split(',').collect());
    let known = all.iter().any(|c| asked.contains(&c.key()));
    let shown = |i: usize, c: &C| i == 0 || if known { asked.contains(&c.key()) } else { c.usual() };
    all.iter().enumerate().filter(|(i, c)| shown(*i, c)).map(|(_, c)| c).collect()
}

/// The menu beside a list's tabs.
pub(crate) fn menu<C: Column>(all: &'static [C], place: &Place<'_>) -> Markup {
    let here = chosen(all, place.params);
    let shown = |c: &C| here.iter().any(|other| other.key() == c.key());
    let rest = Params { cols: None, ..place.params.top() };
    html! {
        details.menu.columns data-testid="columns" {
            summary { "Columns" (icon(Icon::Down)) }
            form.pop method="get" action=(place.path) {
                (bar::hidden(&rest))
                div.set role="group" aria-labelledby="columns-set" {
                    span.label #columns-set { "Columns of this list" }
                    @for (i, column) in all.iter().enumerate() {
                        label.switch { input type="checkbox" name="cols" value=(column.key()) checked[shown(column)] disabled[i == 0]; " " (column.name()) }
                    }
                }
                div.row {
                    button.primary { "Show these" }
                    @if place.params.cols.is_some() { a.button href=(format!("{}{}", place.path, rest.query())) { "The usual ones" } }
                }
            }
        }
    }
}

/// The tabs of a list with what stands at their end; `tabs` are (key in the address, name, rows where known), the first the
/// default.
pub(crate) fn tabline(
    label: &str,
    tabs: &[(&str, &str, Option<u64>)],
    here: &str,
    end: Markup,
    place: &Place<'_>,
) -> Markup {
    html! {
        div.tabline {
            nav.tabs aria-label=(label) {
                @for (i, (key, name, count)) in tabs.iter().enumerate() {
                    @let params = Params { tab: (i > 0).then(|| (*key).to_owned()), ..place.params.top() };
                    a href=(format!("{}{}", place.path, params.query())) aria-current=[(*key == here).then_some("page")] data-testid=(format!("tab-{key}")) {
                        (name) @if let Some(n) = count { " " span.n { (super::format::count(*n)) } }
                    }
                }
            }
            (end)
        }
    }
}

/// A cell of text cut to `limit` characters, or why there is none.
pub(crate) fn text_or(text: Option<&str>, limit: usize, why: &str) -> Markup {
    match text.filter(|t| !t.trim().is_empty()) {
        Some(text) => hostile::line(text, limit),
        None => super::format::unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Some3(&'static str, bool);

    impl Column for Some3 {
        fn key(&self) -> &'static str {
            self.0
        }
        fn name(&self) -> &'static str {
            self.0
        }
        fn usual(&self) -> bool {
            self.1
        }
    }

    #[test]
    fn columns_by_case() {
        static ALL: &[Some3] = &[Some3("a", true), Some3("b", true), Some3("c", false)];
        for (cols, expect) in [
            (None, "ab"),
            (Some("c"), "ac"),
            (Some("c,b"), "abc"),
            (Some("b,<script>"), "ab"),
            (Some("nothing"), "ab"),
            (Some("a"), "a"),
        ] {
            let params = Params { cols: cols.map(str::to_owned), ..Params::default() };
            let keys: String = chosen(ALL, &params).iter().map(|c| c.key()).collect();
            assert_eq!(keys, expect, "{cols:?}");
        }
    }
}
