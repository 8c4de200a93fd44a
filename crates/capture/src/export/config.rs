//! The settings of exporters as plain structs, and the short form `name=value` that a command line takes (`--export
//! otlp=URL`). Called by the SDK's options and by `wrap` and `proxy`. Keys never stand in the short form: they come from
//! the environment, so that they appear in no process list.

use std::path::PathBuf;

use super::{ExportSource, Exporter, datadog, file, otlp, posthog, sentry, stdout};

/// Every exporter: its name, what stands behind the `=`, and what it is for. Help texts are made from it.
pub const EXPORTERS: &[(&str, &str, &str)] = &[
    ("otlp", "URL", "OpenTelemetry traces over HTTP; headers from OTEL_EXPORTER_OTLP_HEADERS"),
    ("datadog", "SITE", "Datadog logs and metrics; key from DD_API_KEY"),
    ("sentry", "DSN or -", "Sentry errors; - takes the DSN from SENTRY_DSN"),
    ("posthog", "HOST", "PostHog batches; key from POSTHOG_API_KEY"),
    ("file", "PATH", "one JSON object a line, rotated at 64 MiB"),
    ("stdout", "stdout or stderr", "one JSON object a line; stderr where stdout is the protocol"),
];

/// One exporter's settings.
#[derive(Clone, Debug)]
pub enum ExporterConfig {
    /// OpenTelemetry traces.
    Otlp(OtlpConfig),
    /// Datadog logs and metrics.
    Datadog(DatadogConfig),
    /// Sentry errors and, where wanted, transactions.
    Sentry(SentryConfig),
    /// PostHog batches.
    PostHog(PostHogConfig),
    /// JSON lines in a file.
    File(FileConfig),
    /// JSON lines on a stream of this process.
    Stdout(StdoutConfig),
}

/// Whether arguments and results are exported; without, only their sizes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payloads {
    /// Only what names and counts.
    #[default]
    Left,
    /// As recorded, after redaction.
    Included,
}

/// How spans are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtlpEncoding {
    /// Binary protobuf, which every receiver takes.
    #[default]
    Protobuf,
    /// OTLP's JSON.
    Json,
}

/// OTLP over HTTP (SDK-72).
#[derive(Clone, Default)]
pub struct OtlpConfig {
    /// Address; `/v1/traces` is appended unless it is there.
    pub endpoint: String,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// How spans are written.
    pub encoding: OtlpEncoding,
    /// Whether spans carry arguments and results.
    pub payloads: Payloads,
    /// `service.name`; else the MCP server's name, else `mcp-server`.
    pub service: Option<String>,
}

/// Datadog (SDK-73).
#[derive(Clone, Default)]
pub struct DatadogConfig {
    /// A site such as `datadoghq.com` or `us5.datadoghq.com`, or the URL of an agent or relay that takes both intakes.
    pub site: String,
    /// API key.
    pub api_key: String,
    /// `service`; else the MCP server's name, else `mcp-server`.
    pub service: Option<String>,
    /// Extra tags, `key:value`.
    pub tags: Vec<String>,
    /// Whether logs carry arguments and results.
    pub payloads: Payloads,
}

/// Sentry (SDK-74).
#[derive(Clone, Default)]
pub struct SentryConfig {
    /// `scheme://key[:secret]@host[:port][/path]/project`.
    pub dsn: String,
    /// `environment` of every event.
    pub environment: Option<String>,
    /// `release` of every event.
    pub release: Option<String>,
    /// Whether calls are sent as transactions too.
    pub transactions: Transactions,
    /// Whether errors carry arguments.
    pub payloads: Payloads,
}

/// Whether Sentry gets a transaction for every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transactions {
    /// Errors only.
    #[default]
    Off,
    /// Every call.
    On,
}

/// PostHog (SDK-75).
#[derive(Clone, Default)]
pub struct PostHogConfig {
    /// Base URL, such as `https://eu.i.posthog.com`.
    pub host: String,
    /// Project key.
    pub api_key: String,
    /// Whether events carry arguments and results.
    pub payloads: Payloads,
}

/// JSON lines in a file.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// The file; older parts stand beside it as `PATH.1` (newest) to `PATH.N`.
    pub path: PathBuf,
    /// Bytes from which on a new file is begun.
    pub rotate_at: u64,
    /// Older parts that are kept.
    pub keep: u32,
}

/// JSON lines on a stream of this process (D29).
#[derive(Clone, Copy, Debug)]
pub struct StdoutConfig {
    /// What the server's stdout is used for.
    pub transport: Transport,
}

/// What a server's stdout is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The protocol: events go to stderr.
    Stdio,
    /// Nothing else: events go to stdout.
    Http,
}

/// An exporter that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadExporter {
    /// No exporter of that name.
    #[error(
        "no exporter is called {0:?}; write one of otlp=URL, datadog=SITE, sentry=DSN, posthog=HOST, file=PATH, stdout"
    )]
    Unknown(String),
    /// A value that is missing or cannot be meant.
    #[error("{exporter}: {problem}")]
    Value {
        /// Which exporter.
        exporter: &'static str,
        /// What is wrong and what to write.
        problem: String,
    },
    /// The file or thread cannot be had.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl BadExporter {
    pub(super) fn value(exporter: &'static str, problem: impl Into<String>) -> Self {
        Self::Value { exporter, problem: problem.into() }
    }
}

impl ExporterConfig {
    /// Reads the short form `name=value` (`stdout` alone is legal); `env` reads the environment, `transport` says what
    /// stdout is used for.
    pub fn parse(
        text: &str,
        transport: Transport,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, BadExporter> {
        let (name, value) = text.split_once('=').map_or((text, ""), |(n, v)| (n.trim(), v.trim()));
        let set = |name: &str| env(name).filter(|v| !v.trim().is_empty());
        let missing = |name: &'static str, what: &str| BadExporter::value(name, format!("{what} is missing"));
        let config = match name {
            "otlp" => Self::Otlp(OtlpConfig {
                endpoint: value.to_owned(),
                headers: set("OTEL_EXPORTER_OTLP_HEADERS").map(|h| header_list(&h)).unwrap_or_default(),
                service: set("OTEL_SERVICE_NAME"),
                ..OtlpConfig::default()
            }),
            "datadog" => Self::Datadog(DatadogConfig {
                site: if value.is_empty() {
                    set("DD_SITE").unwrap_or_else(|| "datadoghq.com".into())
                } else {
                    value.to_owned()
                },
                api_key: set("DD_API_KEY").ok_or_else(|| missing("datadog", "the variable DD_API_KEY"))?,
                service: set("DD_SERVICE"),
                ..DatadogConfig::default()
            }),
            "sentry" => Self::Sentry(SentryConfig {
                dsn: match value {
                    "" | "-" => {
                        set("SENTRY_DSN").ok_or_else(|| missing("sentry", "the variable SENTRY_DSN"))?
                    }
                    dsn => dsn.to_owned(),
                },
                environment: set("SENTRY_ENVIRONMENT"),
                release: set("SENTRY_RELEASE"),
                ..SentryConfig::default()
            }),
            "posthog" => Self::PostHog(PostHogConfig {
                host: if value.is_empty() { "https://us.i.posthog.com".into() } else { value.to_owned() },
                api_key: set("POSTHOG_API_KEY")
                    .ok_or_else(|| missing("posthog", "the variable POSTHOG_API_KEY"))?,
                ..PostHogConfig::default()
            }),
            "file" if value.is_empty() => return Err(missing("file", "the path: write file=PATH; it")),
            "file" => Self::File(FileConfig::at(value.into())),
            "stdout" => Self::Stdout(StdoutConfig { transport }),
            other => return Err(BadExporter::Unknown(other.chars().take(40).collect())),
        };
        config.check()?;
        Ok(config)
    }

    /// Its name in [`EXPORTERS`].
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Otlp(_) => "otlp",
            Self::Datadog(_) => "datadog",
            Self::Sentry(_) => "sentry",
            Self::PostHog(_) => "posthog",
            Self::File(_) => "file",
            Self::Stdout(_) => "stdout",
        }
    }

    /// Whether the settings can be meant; opens and sends nothing.
    pub fn check(&self) -> Result<(), BadExporter> {
        match self {
            Self::Otlp(config) => web_address("otlp", &config.endpoint).map(drop),
            Self::Datadog(config) => datadog::intakes(config).map(drop),
            Self::Sentry(config) => sentry::Dsn::parse(&config.dsn).map(drop),
            Self::PostHog(config) => web_address("posthog", &config.host).map(drop),
            Self::File(_) | Self::Stdout(_) => Ok(()),
        }
    }

    pub(super) fn open(&self, source: &ExportSource) -> Result<Box<dyn Exporter>, BadExporter> {
        Ok(match self {
            Self::Otlp(config) => Box::new(otlp::Otlp::new(config, source)?),
            Self::Datadog(config) => Box::new(datadog::Datadog::new(config, source)?),
            Self::Sentry(config) => Box::new(sentry::Sentry::new(config, source)?),
            Self::PostHog(config) => Box::new(posthog::PostHog::new(config, source)?),
            Self::File(config) => Box::new(file::JsonLines::open(config)?),
            Self::Stdout(config) => Box::new(stdout::Stream::new(*config)),
        })
    }
}

impl FileConfig {
    /// A file with the usual rotation: 64 MiB, five older parts.
    pub fn at(path: PathBuf) -> Self {
        Self { path, rotate_at: 64 * 1024 * 1024, keep: 5 }
    }
}

// Keys and headers hold secrets: they are in no debug text (INV-09).
macro_rules! hide_secrets {
    ($($name:ident: $($field:ident)+;)+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))+.finish_non_exhaustive()
            }
        }
    )+};
}
hide_secrets! {
    OtlpConfig: encoding payloads service;
    DatadogConfig: site service tags payloads;
    SentryConfig: environment release transactions payloads;
    PostHogConfig: host payloads;
}

/// An address that starts with `http://` or `https://` and has a host, without a slash at its end.
pub(super) fn web_address(exporter: &'static str, text: &str) -> Result<String, BadExporter> {
    let text = text.trim().trim_end_matches('/');
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || text.contains(char::is_whitespace) {
        return Err(BadExporter::value(exporter, "write an address that starts with http:// or https://"));
    }
    Ok(text.to_owned())
}

/// `name=value,name=value` as OpenTelemetry writes it; values are percent-decoded.
fn header_list(text: &str) -> Vec<(String, String)> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), percent_decoded(value.trim())))
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let code =
            text.get(text.len() - bytes.len()..).and_then(|rest| rest.get(..2)).filter(|_| byte == b'%');
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                bytes.nth(1);
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "OTEL_EXPORTER_OTLP_HEADERS" => Some("Authorization=Bearer%20abc, x-b = 1,=no".into()),
            "DD_API_KEY" | "POSTHOG_API_KEY" => Some("SECRETKEY".into()),
            "SENTRY_DSN" => Some("https://SECRETKEY@o1.ingest.example/7".into()),
            _ => None,
        }
    }

    #[test]
    fn the_short_form_is_read_and_hides_its_keys() {
        for text in [
            "otlp=http://127.0.0.1:4318",
            "datadog=us5.datadoghq.com",
            "sentry=-",
            "posthog=https://eu.i.posthog.com",
            "file=/var/log/trackway.jsonl",
            "stdout",
        ] {
            let config = ExporterConfig::parse(text, Transport::Stdio, env).unwrap();
            assert!(text.starts_with(config.name()), "{text}");
            assert!(
                !format!("{config:?}").contains("SECRET") && !format!("{config:?}").contains("abc"),
                "{config:?}"
            );
            assert!(EXPORTERS.iter().any(|(name, ..)| *name == config.name()));
        }
        let ExporterConfig::Otlp(otlp) =
            ExporterConfig::parse("otlp=http://h", Transport::Http, env).unwrap()
        else {
            unreachable!()
        };
        assert_eq!(
            otlp.headers,
            [("authorization".into(), "Bearer abc".into()), ("x-b".into(), "1".into())]
                as [(String, String); 2]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_to_write() {
        for (text, expect) in [
            ("jaeger=x", "otlp=URL"),
            ("otlp=", "http://"),
            ("otlp=127.0.0.1:4318", "http://"),
            ("posthog=ftp://x", "http://"),
            ("sentry=https://o1.example/7", "key"),
            ("datadog=not a site", "site"),
            ("file=", "PATH"),
        ] {
            let error = ExporterConfig::parse(text, Transport::Stdio, env).unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
        }
        let error =
            ExporterConfig::parse("posthog=https://h", Transport::Stdio, |_| None).unwrap_err().to_string();
        assert!(error.contains("POSTHOG_API_KEY"), "{error}");
    }
}
