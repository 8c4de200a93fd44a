//! `trackway version`.

use serde_json::json;

use crate::args::Json;
use crate::failure::Result;
use crate::output;

pub(super) fn run(args: &Json) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    if args.json {
        return output::json(&json!({ "name": "trackway", "version": version }));
    }
    output::print(&format!("trackway {version}\n"))
}
