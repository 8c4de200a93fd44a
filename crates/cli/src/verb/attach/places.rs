//! Where clients keep their MCP servers: files in the order they are looked into, and the places inside.

use std::path::{Path, PathBuf};

use crate::args::Client;

/// A file and where in it servers are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) path: Vec<String>,
}

/// The surroundings that decide where files are.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) home: PathBuf,
    /// Where applications keep their settings.
    pub(super) settings: PathBuf,
    pub(super) here: PathBuf,
}

impl Surroundings {
    /// Those of this process; `None` without a home.
    pub(super) fn of_process() -> Option<Self> {
        let home = std::env::home_dir().filter(|h| !h.as_os_str().is_empty())?;
        let named = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let settings = if cfg!(target_os = "macos") {
            home.join("Library/Application Support")
        } else if cfg!(windows) {
            named("APPDATA")?
        } else {
            named("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"))
        };
        Some(Self { home, settings, here: std::env::current_dir().ok()? })
    }
}

/// The places of a client, the nearest first.
pub(super) fn places(client: Client, around: &Surroundings) -> Vec<Place> {
    let place =
        |file: PathBuf, path: &[&str]| Place { file, path: path.iter().map(|p| (*p).to_owned()).collect() };
    let Surroundings { home, settings, here } = around;
    let own = here.to_string_lossy();
    match client {
        Client::ClaudeDesktop => {
            vec![place(settings.join("Claude/claude_desktop_config.json"), &["mcpServers"])]
        }
        Client::ClaudeCode => vec![
            place(here.join(".mcp.json"), &["mcpServers"]),
            place(home.join(".claude.json"), &["projects", &own, "mcpServers"]),
            place(home.join(".claude.json"), &["mcpServers"]),
        ],
        Client::Cursor => vec![
            place(here.join(".cursor/mcp.json"), &["mcpServers"]),
            place(home.join(".cursor/mcp.json"), &["mcpServers"]),
        ],
        Client::Vscode => vec![
            place(here.join(".vscode/mcp.json"), &["servers"]),
            place(settings.join("Code/User/mcp.json"), &["servers"]),
        ],
    }
}

/// Where the file's original is kept while this server is attached.
pub(super) fn backup(file: &Path, name: &str) -> PathBuf {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let short: String = plain.chars().take(40).collect();
    let mut path = file.as_os_str().to_owned();
    path.push(format!(".{short}-{:08x}.trackway-backup", hash as u32));
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_its_places_and_names_their_own_backups() {
        let around = Surroundings {
            home: "/home/ana".into(),
            settings: "/home/ana/.config".into(),
            here: "/src/app".into(),
        };
        let files = |client| -> Vec<String> {
            places(client, &around).iter().map(|p| p.file.display().to_string()).collect()
        };
        assert_eq!(files(Client::ClaudeDesktop), ["/home/ana/.config/Claude/claude_desktop_config.json"]);
        assert_eq!(
            files(Client::ClaudeCode),
            ["/src/app/.mcp.json", "/home/ana/.claude.json", "/home/ana/.claude.json"]
        );
        assert_eq!(files(Client::Cursor), ["/src/app/.cursor/mcp.json", "/home/ana/.cursor/mcp.json"]);
        assert_eq!(
            files(Client::Vscode),
            ["/src/app/.vscode/mcp.json", "/home/ana/.config/Code/User/mcp.json"]
        );
        let file = Path::new("/x/mcp.json");
        assert_ne!(backup(file, "a/b"), backup(file, "a_b"));
        assert!(backup(file, "../../etc").starts_with("/x"));
    }
}
