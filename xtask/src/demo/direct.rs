//! Without a cluster: this program asks the webhook as an API server would, over TLS.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use softstop_rig::{Connection, Webhook, review};

use super::{Outcome, Sample, webhook_args};

pub(super) fn run(
    program: &Path,
    examples: &Path,
    samples: Vec<Sample>,
) -> anyhow::Result<Vec<Outcome>> {
    let dir = tempfile::tempdir().context("cannot make a temporary folder")?;
    let webhook = Webhook::start(program, dir.path(), webhook_args(examples))?;
    println!(
        "softstop webhook serves {} with a throw-away certificate\n",
        webhook.url()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(async {
        let mut connection = Connection::open(webhook.url(), webhook.ca()).await?;
        let mut outcomes = Vec::new();
        for Sample { file, pod } in samples {
            let answer = connection
                .review(&review(&pod, "demo"))
                .await
                .with_context(|| {
                    format!("no answer for {}:\n{}", file.display(), webhook.log_tail())
                })?;
            outcomes.push(outcome(Sample { file, pod }, answer)?);
        }
        Ok(outcomes)
    })
}

fn outcome(Sample { file, pod: before }: Sample, mut answer: Value) -> anyhow::Result<Outcome> {
    let mut after = before.clone();
    if let Some(patch) = answer["patch"].as_str() {
        let patch = STANDARD.decode(patch).context("the patch is not base64")?;
        let patch: json_patch::Patch =
            serde_json::from_slice(&patch).context("the patch is not a JSON Patch")?;
        json_patch::patch(&mut after, &patch)
            .with_context(|| format!("the patch for {} fails", file.display()))?;
    }
    let audit = answer["auditAnnotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let warnings = serde_json::from_value(answer["warnings"].take()).unwrap_or_default();
    Ok(Outcome {
        file,
        before,
        after,
        audit,
        warnings,
    })
}
