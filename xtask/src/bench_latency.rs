//! `cargo xtask bench latency`: what softstop costs each creation.

use std::path::PathBuf;
use std::process::ExitCode;

use softstop_availability::{Options, install, latency};
use softstop_rig::{Node, NodeAssets};

#[derive(Debug, clap::Args)]
pub(crate) struct Task {
    /// How many pods each kind of admission is measured with
    #[arg(long, value_name = "N", default_value_t = 2000)]
    creations: usize,
    /// softstop's image as an OCI archive, instead of building it
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Print the page, and leave docs/benchmarks-latency.md as it is
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(task: &Task) -> anyhow::Result<ExitCode> {
    let image = match &task.image {
        Some(image) => image.clone(),
        None => crate::image::built()?,
    };
    let node = Node::start(&NodeAssets::find_or_build()?)?;
    node.import_archive(&image)?;
    let options = Options {
        replicas: 3,
        failure_policy: "Fail",
        set: Vec::new(),
    };
    install(&node, &options)?;
    let latency = latency(&node, task.creations)?;
    let page = latency.page();
    println!("{page}");
    if !task.dry_run {
        crate::write("docs/benchmarks-latency.md", &page)?;
    }
    Ok(if latency.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
