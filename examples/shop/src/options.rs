//! How the shop's server is started: its seed, release, weather and dates.
//!
//! Called by the hidden verb of the binary (from the command line) and by the driver (to build that command line).
//! Invariant: `ShopOptions::parse(options.to_args())` gives the same options back.

use std::ffi::OsString;
use std::fmt;

use anyhow::{Context, bail};
use jiff::civil::Date;

/// What one process of the shop's server shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopOptions {
    /// Seed of the failures; equal seeds and equal calls fail alike.
    pub seed: u64,
    /// The release of the server that runs.
    pub release: Release,
    /// How well the systems behind the shop do.
    pub weather: Weather,
    /// The shop's date; orders that are placed later do not exist yet.
    pub today: Date,
    /// The last date of the shop's history: the newest order in the database is placed on it.
    pub until: Date,
}

/// A release of the shop's server. Between the two, `create_return` began to insist on reason codes, `check_stock` on a store,
/// and `compare_products` came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 1.7.2: `create_return` takes any text as the reason.
    V1_7_2,
    /// 1.8.0: `create_return` refuses reasons that are not one of its codes, and does not say so in its schema.
    V1_8_0,
}

/// How well the database and the carrier behind the shop do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// A few per cent of the calls meet a lock or a carrier that is away.
    Calm,
    /// A bad afternoon: most carrier calls and many writes fail.
    Storm,
}

impl ShopOptions {
    /// Options for today with this seed: the newest release in calm weather.
    pub fn new(seed: u64) -> Self {
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        Self { seed, release: Release::V1_8_0, weather: Weather::Calm, today, until: today }
    }

    /// Reads `--seed N --release 1.7.2|1.8.0 --weather calm|storm --today DATE --until DATE`, each optional.
    ///
    /// # Errors
    /// On an unknown option, a missing value or a value of the wrong form; the text names it.
    pub fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> anyhow::Result<Self> {
        let mut options = Self::new(1);
        let mut until = None;
        let mut args = args.into_iter().map(Into::into);
        while let Some(name) = args.next() {
            let name = name.to_string_lossy().into_owned();
            let value = args.next().with_context(|| format!("{name} needs a value"))?;
            let value = value.to_str().with_context(|| format!("the value of {name} is not text"))?;
            match name.as_str() {
                "--seed" => {
                    options.seed = value.parse().with_context(|| format!("--seed {value}: not a number"))?;
                }
                "--release" => options.release = Release::parse(value)?,
                "--weather" => options.weather = Weather::parse(value)?,
                "--today" => options.today = parse_date(&name, value)?,
                "--until" => until = Some(parse_date(&name, value)?),
                _ => bail!("unknown option {name}: use --seed, --release, --weather, --today or --until"),
            }
        }
        options.until = until.unwrap_or(options.today);
        Ok(options)
    }

    /// The command line that [`ShopOptions::parse`] reads back.
    pub fn to_args(&self) -> Vec<String> {
        [
            ("--seed", self.seed.to_string()),
            ("--release", self.release.to_string()),
            ("--weather", self.weather.to_string()),
            ("--today", self.today.to_string()),
            ("--until", self.until.to_string()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }
}

impl Release {
    fn parse(text: &str) -> anyhow::Result<Self> {
        match text {
            "1.7.2" => Ok(Self::V1_7_2),
            "1.8.0" => Ok(Self::V1_8_0),
            _ => bail!("--release {text}: there are 1.7.2 and 1.8.0"),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_7_2 => "1.7.2",
            Self::V1_8_0 => "1.8.0",
        })
    }
}

impl Weather {
    fn parse(text: &str) -> anyhow::Result<Self> {
        match text {
            "calm" => Ok(Self::Calm),
            "storm" => Ok(Self::Storm),
            _ => bail!("--weather {text}: use calm or storm"),
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Calm => "calm",
            Self::Storm => "storm",
        })
    }
}

fn parse_date(name: &str, value: &str) -> anyhow::Result<Date> {
    value.parse().with_context(|| format!("{name} {value}: use a date of the form 2026-11-21"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_round_trips() {
        for (release, weather) in [(Release::V1_7_2, Weather::Storm), (Release::V1_8_0, Weather::Calm)] {
            let options = ShopOptions { release, weather, ..ShopOptions::new(77) };
            assert_eq!(ShopOptions::parse(options.to_args()).unwrap(), options);
        }
    }

    #[test]
    fn bad_options_are_refused_by_name() {
        for (args, expect) in [
            (&["--seed"][..], "--seed needs a value"),
            (&["--seed", "x"], "--seed x"),
            (&["--release", "2"], "--release 2"),
            (&["--weather", "fog"], "--weather fog"),
            (&["--today", "21.11.2026"], "--today 21.11.2026"),
            (&["--colour", "red"], "unknown option --colour"),
        ] {
            let error = ShopOptions::parse(args.iter().copied()).unwrap_err().to_string();
            assert!(error.contains(expect), "{args:?}: {error}");
        }
    }
}
