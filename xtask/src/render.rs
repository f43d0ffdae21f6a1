//! `cargo xtask render`: the plain manifests, from the chart.

use std::fs;

use anyhow::Context as _;
use softstop_rig::Chart;

pub(crate) fn run() -> anyhow::Result<()> {
    let path = crate::root()?.join("deploy/softstop.yaml");
    fs::write(&path, Chart::find()?.plain()?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}
