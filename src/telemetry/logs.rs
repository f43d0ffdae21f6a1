//! The log: one line per event on standard error, as text or as JSON.

use std::cell::Cell;
use std::panic;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, error};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the usual levels")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Sends the process's log to standard error.
pub fn init(level: LogLevel, format: LogFormat) {
    subscriber(level, format, std::io::stderr).init();
    guard_panics();
}

/// A subscriber that writes to `writer`.
///
/// The level is softstop's own. Libraries are held at `warn`: what an HTTP library traces is what was sent to it,
/// and that is somebody's pod.
pub fn subscriber<W>(level: LogLevel, format: LogFormat, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = LevelFilter::from(level);
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("softstop", level);
    let lines = match format {
        LogFormat::Text => fmt::layer().with_ansi(false).with_writer(writer).boxed(),
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(writer)
            .boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(targets))
}

thread_local! {
    static MESSAGE_IS_SECRET: Cell<bool> = const { Cell::new(false) };
}

/// Makes panics inside of [`without_panic_message`] say only where they happened.
/// A panic message can quote what it choked on (`byte index 3 is not a char boundary of "..."`).
pub fn guard_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if MESSAGE_IS_SECRET.get() {
            let at = info.location().map(ToString::to_string).unwrap_or_default();
            error!(at, "panicked while planning; the pod is left alone");
        } else {
            usual(info);
        }
    }));
}

/// Runs what handles the content of a pod.
pub fn without_panic_message<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            MESSAGE_IS_SECRET.set(self.0);
        }
    }
    let _restore = Restore(MESSAGE_IS_SECRET.replace(true));
    work()
}
