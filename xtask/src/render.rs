//! `cargo xtask render`: the plain manifests, from the chart.

use softstop_rig::Chart;

pub(crate) fn run() -> anyhow::Result<()> {
    let chart = Chart::find()?;
    crate::write("deploy/softstop.yaml", &chart.plain()?)?;
    crate::write("certs/cert-manager.yaml", &chart.cert_manager()?)
}
