//! What happens to events before they leave, and where else they go: the flags for redaction, sessions, disk and exporters
//! that `wrap` and `proxy` share. Made by `args`, used by `recording`.

use trackway_capture::delivery::{SpoolMode, Wire};
use trackway_capture::export::{ExporterConfig, Transport};
use trackway_capture::recorder::SessionRules;
use trackway_capture::redact::{Level, Pii, Redaction, RedactionConfig};

/// Redaction, sessions, disk and exporters of a recording.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// Where events go beside Trackway.
    pub exporters: Vec<ExporterConfig>,
    /// What is masked beyond credentials.
    pub redaction: RedactionConfig,
    /// The operator's rules for sessions.
    pub sessions: SessionRules,
    /// When batches are put on disk.
    pub spool_mode: SpoolMode,
    /// In which form events are sent.
    pub wire: Wire,
}

/// The flags.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Redaction and export")]
pub struct LeavingArgs {
    /// Send copies elsewhere: otlp=URL, datadog=SITE, sentry=DSN, posthog=HOST, file=PATH or stdout; keys come from the
    /// environment of each; may be repeated
    #[arg(long = "export", value_name = "NAME=VALUE")]
    pub exporters: Vec<String>,

    /// Mask personal data in texts: email, phone, card, ssn, iban, ip or all
    #[arg(long = "mask", value_name = "KINDS", value_delimiter = ',')]
    pub mask: Vec<String>,

    /// Mask the value of every member of this name; may be repeated
    #[arg(long = "mask-key", value_name = "NAME")]
    pub mask_keys: Vec<String>,

    /// Mask the values at a path such as arguments.card.* or result.**.email; may be repeated
    #[arg(long = "mask-path", value_name = "PATH")]
    pub mask_paths: Vec<String>,

    /// Mask what a regular expression finds in texts; may be repeated
    #[arg(long = "mask-pattern", value_name = "REGEX")]
    pub mask_patterns: Vec<String>,

    /// How much of arguments is kept
    #[arg(long, value_enum, default_value_t = LevelArg::Full, value_name = "LEVEL")]
    pub capture_arguments: LevelArg,

    /// How much of results is kept
    #[arg(long, value_enum, default_value_t = LevelArg::Full, value_name = "LEVEL")]
    pub capture_results: LevelArg,

    /// Member of a request's _meta whose text is the session
    #[arg(long, value_name = "KEY")]
    pub session_meta: Option<String>,

    /// Put events on disk before they are sent, so that even a killed process loses no more than its last moment
    #[arg(long)]
    pub spool_always: bool,

    /// In which form events are sent: Trackway's own, or AgentCat's to a backend of that name
    #[arg(long, value_enum, default_value_t = WireArg::Native, value_name = "WIRE")]
    pub wire: WireArg,
}

/// In which form events are sent.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WireArg {
    /// Trackway's own
    #[default]
    Native,
    /// AgentCat's; losses and accounts have no place in it
    #[value(name = "agentcat")]
    AgentCat,
}

/// How much of a payload is kept.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LevelArg {
    /// All, after redaction
    #[default]
    Full,
    /// Types and sizes only
    Shape,
    /// Nothing
    Off,
}

impl LeavingArgs {
    /// What the flags ask for.
    ///
    /// # Errors
    /// With a text that names the flag that is wrong.
    pub(crate) fn read(
        &self,
        transport: Transport,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Leaving, String> {
        let exporters = self.exporters.iter().map(|text| {
            let name = text.split('=').next().unwrap_or_default();
            ExporterConfig::parse(text, transport, &env).map_err(|e| format!("--export {name}: {e}"))
        });
        let mut pii = Vec::new();
        for word in &self.mask {
            match (word.trim(), Pii::parse(word.trim())) {
                ("all", _) => pii.extend(Pii::ALL),
                (_, Some(kind)) => pii.push(kind),
                (other, None) => {
                    return Err(format!("--mask {other}: write email, phone, card, ssn, iban, ip or all"));
                }
            }
        }
        let level = |arg| match arg {
            LevelArg::Full => Level::Full,
            LevelArg::Shape => Level::Shape,
            LevelArg::Off => Level::Off,
        };
        let redaction = RedactionConfig {
            pii,
            keys: self.mask_keys.clone(),
            paths: self.mask_paths.clone(),
            patterns: self.mask_patterns.clone(),
            arguments: level(self.capture_arguments),
            results: level(self.capture_results),
            ..RedactionConfig::default()
        };
        // A rule that cannot be read is said now, not when the first event comes.
        Redaction::new(redaction.clone()).map_err(|e| e.to_string())?;
        Ok(Leaving {
            exporters: exporters.collect::<Result<_, _>>()?,
            redaction,
            sessions: SessionRules { meta_key: self.session_meta.clone(), ..SessionRules::default() },
            spool_mode: if self.spool_always { SpoolMode::Always } else { SpoolMode::WhenNeeded },
            wire: match self.wire {
                WireArg::Native => Wire::Native,
                WireArg::AgentCat => Wire::AgentCat,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &LeavingArgs) -> Result<Leaving, String> {
        args.read(Transport::Stdio, |_| None)
    }

    #[test]
    fn flags_become_settings_and_wrong_ones_are_named() {
        let own = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let args = LeavingArgs {
            exporters: own(&["otlp=http://127.0.0.1:4318", "file=/tmp/x.jsonl"]),
            mask: own(&["email", "card"]),
            capture_results: LevelArg::Shape,
            spool_always: true,
            wire: WireArg::AgentCat,
            ..LeavingArgs::default()
        };
        let leaving = read(&args).unwrap();
        let names: Vec<_> = leaving.exporters.iter().map(ExporterConfig::name).collect();
        assert_eq!(names, ["otlp", "file"]);
        assert_eq!(leaving.redaction.pii, [Pii::Email, Pii::Card]);
        assert_eq!((leaving.redaction.results, leaving.spool_mode), (Level::Shape, SpoolMode::Always));
        assert_eq!(
            (leaving.wire, read(&LeavingArgs::default()).unwrap().wire),
            (Wire::AgentCat, Wire::Native)
        );
        for (args, expect) in [
            (LeavingArgs { exporters: own(&["otlp=nowhere"]), ..LeavingArgs::default() }, "--export otlp"),
            (LeavingArgs { exporters: own(&["jaeger=x"]), ..LeavingArgs::default() }, "--export jaeger"),
            (LeavingArgs { mask: own(&["names"]), ..LeavingArgs::default() }, "--mask names"),
            (LeavingArgs { mask_patterns: own(&["("]), ..LeavingArgs::default() }, "pattern"),
            (LeavingArgs { mask_paths: own(&["a..b"]), ..LeavingArgs::default() }, "path"),
        ] {
            let error = read(&args).unwrap_err();
            assert!(error.contains(expect), "{error}");
        }
    }
}
