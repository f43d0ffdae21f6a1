//! `cargo xtask render`: the plain manifests, from the chart.

use std::fs;

use anyhow::Context as _;
use softstop_rig::Chart;

pub(crate) fn run() -> anyhow::Result<()> {
    let (root, chart) = (crate::root()?, Chart::find()?);
    for (file, text) in [
        ("deploy/softstop.yaml", chart.plain()?),
        ("certs/cert-manager.yaml", chart.cert_manager()?),
    ] {
        let path = root.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
