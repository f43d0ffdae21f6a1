//! `softstop review`: answer one request as the webhook would, without a server.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::cluster::ClusterFiles;
use crate::admission::{Hook, Review, Reviewer};
use crate::manifest::{self, File};

/// Answer one `AdmissionReview` (or pod) as the webhook would.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An `AdmissionReview`, or a manifest with one pod or workload; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,

    #[command(flatten)]
    cluster: ClusterFiles,
}

/// Runs it.
#[allow(clippy::print_stdout, reason = "the answer is the output")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { file, cluster } = args;
    let reviewer = Reviewer::new(cluster.load()?);
    let review = read(&file)?;
    let answer: Value =
        serde_json::from_slice(&reviewer.review(Hook::Mutate, &review).answer.to_json())?;
    println!("{answer:#}");
    Ok(ExitCode::SUCCESS)
}

fn read(path: &PathBuf) -> anyhow::Result<Review> {
    let name = if path.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
    } else {
        bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
    }
    // What the API server sends is read as the server reads it; all else as a manifest.
    if let Ok(review) = Review::parse(&bytes) {
        return Ok(review);
    }
    let file = File::from_bytes(name, bytes)?;
    let documents = file.documents().collect::<Result<Vec<_>, _>>()?;
    let [document] = documents.as_slice() else {
        bail!(
            "{}: one document is expected, not {}; for more: softstop check",
            file.name,
            documents.len()
        );
    };
    let object = document.root.to_value();
    if object["kind"] == "AdmissionReview" {
        return Review::parse(object.to_string().as_bytes()).with_context(|| file.name.clone());
    }
    let pods = manifest::pods(&object);
    let [pod] = pods.as_slice() else {
        bail!(
            "{}: one pod is expected, not {}; for more: softstop check",
            file.name,
            pods.len()
        );
    };
    document.check_words(&file, &pod.base)?;
    let namespace = pod
        .namespace
        .clone()
        .unwrap_or_else(|| "default".to_owned());
    Ok(Review::of_pod(to_raw_value(&pod.value)?, namespace))
}
