//! A project's own people (F-61): those that its rule names are left out where a reader asks for it with `own=out`.
//!
//! The rule is the setting [`OWN`], in the typed form of filters: who meets any of its conditions is the project's own. Left out
//! means that none of them holds, by the same conditions as every filter, so that pages, API and files count alike. Called by
//! `api::ask` and by the pages' `visit`.

use trackway_core::filter::{Condition, Filter, Op};
use trackway_store::Store;

use crate::state::AppState;

/// The setting that says who a project's own people are.
pub(crate) const OWN: &str = "own_people";

/// What an address says where they are left out.
pub(crate) const OUT: &str = "out";

/// Why an address cannot ask for it where the project has no rule.
pub(crate) const NO_RULE: &str =
    "this project does not say who its own people are; set own_people in Settings, Project";

/// Why another word cannot stand there.
pub(crate) const NO_WORD: &str = "own is out, which leaves a project's own people out, or is left away";

/// Conditions of one rule.
const MOST: usize = 10;

/// The conditions of a rule; `None` where it cannot be read.
pub(crate) fn rule(setting: &str) -> Option<Vec<Condition>> {
    let read = Filter::parse_typed(setting).ok()?;
    let plain = |c: &Condition| matches!(c.op, Op::Eq | Op::In | Op::Has | Op::Set);
    (read.text.is_none() && read.conditions.len() <= MOST && read.conditions.iter().all(plain))
        .then_some(read.conditions)
}

impl AppState {
    /// Who a project's own people are; nobody where it does not say, or is not there.
    pub(crate) async fn own_people(&self, project: &str) -> Vec<Condition> {
        let id = project.to_owned();
        let found = self.ask("own_people", move |store: &dyn Store| {
            let Some(project) = store.project(&id)? else { return Ok(None) };
            Ok(store.settings(project.key)?.remove(OWN))
        });
        found.await.ok().flatten().and_then(|setting| rule(&setting)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_by_case() {
        for (text, expect) in [
            ("", Some(0)),
            ("person:~test@ trait.plan:internal client:a,b tag.ci:*", Some(4)),
            ("person:\"Test User\"", Some(1)),
            ("-person:~test@", None),
            ("person:/test.*/", None),
            ("calls:>5", None),
            ("only words", None),
            ("nonsense:x", None),
            (&"person:a ".repeat(11), None),
        ] {
            assert_eq!(rule(text).map(|r| r.len()), expect, "{text}");
        }
    }
}
