//! `trackway completions SHELL`: the completion script, made from the command line's own description.

use clap::CommandFactory;

use crate::args::{Cli, Completions};
use crate::failure::Result;
use crate::output;

pub(super) fn run(args: &Completions) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "trackway", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
