//! `softstop webhook`: serve the admission webhook.

mod certificate;

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use self::certificate::{Certificate, Source};
use super::cluster::ClusterFiles;
use crate::admission::Reviewer;
use crate::certs::Served;
use crate::certs::authority::Authority;
use crate::cluster::{self, Live};
use crate::server::{App, Bound, Lifecycle, Limits, Phase};
use crate::telemetry::{self, LogFormat, LogLevel, Metrics};

/// How often the certificate's files are looked at.
const RELOAD_PERIOD: Duration = Duration::from_secs(10);

/// How long to wait for the first lists of `--cluster` before serving all the same: a webhook that is never ready changes
/// no pod either, and holds up its own rollout.
const LIST_PATIENCE: Duration = Duration::from_secs(30);

/// Serve the admission webhook.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Where to serve HTTPS (`POST /mutate`, `POST /validate`); port 0 picks a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "SOFTSTOP_LISTEN",
        default_value = "0.0.0.0:8443"
    )]
    listen: SocketAddr,

    /// Where to serve plain HTTP: /live, /ready and /metrics
    #[arg(
        long,
        value_name = "ADDR",
        env = "SOFTSTOP_ADMIN_ADDR",
        default_value = "0.0.0.0:8080"
    )]
    admin_addr: SocketAddr,

    /// How long to go on serving after SIGTERM, until no request comes any more
    #[arg(long, value_name = "TIME", env = "SOFTSTOP_SHUTDOWN_DELAY", default_value = "10s", value_parser = time)]
    shutdown_delay: Duration,

    /// How much to log
    #[arg(
        long,
        value_name = "LEVEL",
        env = "SOFTSTOP_LOG",
        default_value = "info"
    )]
    log: LogLevel,

    /// How log lines look
    #[arg(
        long,
        value_name = "FORMAT",
        env = "SOFTSTOP_LOG_FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,

    /// Write the addresses that were bound to this file, as `https=ADDR` and `admin=ADDR` lines
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,

    /// Take policies and namespaces from the API server (KUBECONFIG, or the pod's service account), and follow them
    #[arg(
        long = "cluster",
        env = "SOFTSTOP_CLUSTER",
        conflicts_with_all = ["policies", "namespaces"],
        help_heading = "What the cluster says"
    )]
    live: bool,

    /// For tests: seconds after which a connection is closed with its next answer
    #[arg(long, hide = true)]
    test_connection_age: Option<u64>,

    #[command(flatten)]
    cluster: ClusterFiles,

    #[command(flatten)]
    certificate: Certificate,
}

const AFTER_HELP: &str = "\
SIGTERM ends it in order: not ready at once, serving on for --shutdown-delay while every answer closes its \
connection, then finishing what is under way; exit status 0. A second signal ends it now.";

/// This many answer tens of thousands of reviews a second. A thread for each processor of a large node would only take memory.
const MOST_THREADS: usize = 4;

/// Runs it.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let processors = available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.min(MOST_THREADS))
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(serve(args));
    // A plan that outlived its deadline, and everybody's patience, does not keep the process from ending.
    runtime.shutdown_background();
    served
}

async fn serve(args: Args) -> anyhow::Result<ExitCode> {
    let Args {
        listen,
        admin_addr,
        certificate,
        live,
        cluster,
        shutdown_delay,
        log,
        log_format,
        port_file,
        test_connection_age,
    } = args;
    telemetry::init(log, log_format);
    // Signals are heeded from the first moment on: whoever stops a server that is still starting means it.
    let lifecycle = Lifecycle::starting();
    let stop = tokio::spawn(heed_signals(lifecycle.clone(), shutdown_delay)?);

    let mut cluster = cluster.load()?;
    let source = certificate.provide()?;
    let metrics = Arc::new(Metrics::default());
    let client = if live || matches!(source, Source::Own(_)) {
        Some(cluster::client().await?)
    } else {
        None
    };
    let live = client.as_ref().filter(|_| live).map(|client| {
        let live = cluster::follow(client, &metrics);
        cluster.policies = live.policies.clone();
        cluster.namespaces = live.namespaces.clone();
        live
    });
    let served = match &source {
        Source::Fixed(pair) | Source::Files(pair, _) => {
            metrics.certificate(pair.expires);
            Served::new(pair)
        }
        Source::Own(_) => Arc::default(),
    };
    let mut limits = Limits::default();
    if let Some(age) = test_connection_age.map(Duration::from_secs) {
        limits.age = age..=age;
    }
    // What was accepted just before closing may still take its whole time.
    let patience = limits.timeout_max + Duration::from_secs(1);
    let app = App::new(
        Arc::new(Reviewer::new(cluster)),
        Arc::clone(&metrics),
        limits,
    );

    let bound = Bound::new(
        app,
        Arc::clone(&served),
        lifecycle.clone(),
        listen,
        admin_addr,
    )
    .await?;
    if let Some(path) = port_file {
        let lines = format!("https={}\nadmin={}\n", bound.addr, bound.admin_addr);
        std::fs::write(&path, lines)
            .with_context(|| format!("cannot write --port-file {}", path.display()))?;
    }
    info!(https = %bound.addr, admin = %bound.admin_addr, version = env!("CARGO_PKG_VERSION"), "listening");
    let trusted = match (source, client) {
        (Source::Own(settings), Some(client)) => {
            let (authority, trusted) =
                Authority::new(&client, settings, bound.addr, served, metrics);
            tokio::spawn(authority.run());
            Some(trusted)
        }
        (Source::Files(_, files), _) => {
            tokio::spawn(files.follow(served, metrics, RELOAD_PERIOD));
            None
        }
        _ => None,
    };
    if live.is_none() && trusted.is_none() {
        lifecycle.enter(Phase::Running);
    } else {
        tokio::spawn(become_ready(live, trusted, lifecycle));
    }
    tokio::select! {
        finished = bound.serve(patience) => {
            if finished {
                info!("stopped");
            } else {
                warn!("stopped; some connections did not finish");
            }
            Ok(ExitCode::SUCCESS)
        }
        _ = stop => bail!("stopped by a second signal; requests under way are lost"),
    }
}

/// Ready when the cluster is known, or should be by now, and the API server trusts a certificate of softstop's own making:
/// for that it waits as long as it takes, because no call would come through before.
async fn become_ready(
    live: Option<Live>,
    trusted: Option<oneshot::Receiver<()>>,
    lifecycle: Lifecycle,
) {
    if let Some(mut live) = live {
        if live.listed(LIST_PATIENCE).await {
            info!("policies and namespaces are listed");
        } else {
            error!(
                patience = LIST_PATIENCE.as_secs(),
                "going on without having listed the policies and namespaces: pods are planned by what is known, and namespaces are \
                 looked up one by one; see softstop_watch_up, and the role of the service account"
            );
        }
    }
    if let Some(trusted) = trusted
        && trusted.await.is_err()
    {
        return;
    }
    info!("ready");
    lifecycle.enter(Phase::Running);
}

/// Leads the server through its phases after the first SIGTERM or SIGINT; ends at the second.
fn heed_signals(lifecycle: Lifecycle, delay: Duration) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    Ok(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        next().await;
        info!(
            delay = delay.as_secs(),
            "stopping: not ready any more, serving on for a while"
        );
        lifecycle.enter(Phase::Draining);
        tokio::select! {
            () = next() => return,
            () = tokio::time::sleep(delay) => {}
        }
        info!("closing: finishing what is under way");
        lifecycle.enter(Phase::Closing);
        next().await;
    })
}

fn time(text: &str) -> Result<Duration, String> {
    let seconds =
        softstop_core::duration(text).map_err(|accepted| format!("accepted: {accepted}"))?;
    Ok(Duration::from_secs(seconds.into()))
}
