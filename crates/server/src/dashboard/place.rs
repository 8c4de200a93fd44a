//! Where a view is: project, path, query, period and time. Given to every view beside its Vm.

use trackway_event::Timestamp;
use trackway_store::query::Period;

use super::link::Params;

/// The surroundings of a view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Project id.
    pub project: &'a str,
    /// Path of the page.
    pub path: &'a str,
    /// Its query.
    pub params: &'a Params,
    /// The resolved period.
    pub period: Period,
    /// The present time.
    pub now: Timestamp,
}
