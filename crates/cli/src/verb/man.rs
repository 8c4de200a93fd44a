//! `trackway man [DIR]`: the manual pages, made from the command line's own description.

use std::path::Path;

use clap::CommandFactory;

use crate::args::{Cli, Man};
use crate::failure::{Exit, Failure, Result};
use crate::output;

pub(super) fn run(args: &Man) -> Result<()> {
    let command = Cli::command();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(|error| cannot(Path::new("-"), &error))?;
        return output::print(&String::from_utf8_lossy(&page));
    };
    std::fs::create_dir_all(dir).map_err(|error| cannot(dir, &error))?;
    clap_mangen::generate_to(command, dir).map_err(|error| cannot(dir, &error))?;
    output::print(&format!("the manual pages are in {}\n", dir.display()))
}

fn cannot(dir: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Unreachable, format!("{} cannot be written", dir.display())).why(error.to_string())
}
