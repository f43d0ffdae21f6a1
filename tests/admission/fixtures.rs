//! The webhook gives the patch that `check` gives, for every case of `tests/fixtures`.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::to_raw_value;
use softstop::admission::{Cluster, Hook, KnownNamespaces, Review, Reviewer, fixed};
use softstop::manifest::{self, File};
use softstop::{inputs, policy};
use softstop_core::{Capabilities, Context, Delivery, Injection, Policies};

use crate::check::fixtures::Case;

/// What `--init-image` and its fellows mean, as the command line's defaults have it.
fn capabilities(args: &[String]) -> Capabilities {
    let value = |flag: &str| {
        args.iter()
            .find_map(|arg| arg.strip_prefix(flag))
            .map(str::to_owned)
    };
    let injection = value("--init-image=").map(|image| Injection {
        image,
        delivery: match value("--init-delivery=").as_deref() {
            Some("image-volume") => Delivery::ImageVolume,
            _ => Delivery::EmptyDir,
        },
        cpu: "10m".into(),
        memory: "16Mi".into(),
    });
    Capabilities { injection }
}

/// A reviewer that knows what stands beside the case's manifest.
fn reviewer(case: &Case) -> Reviewer {
    let mut cluster = Cluster::default();
    if let Some(path) = case.file("policy.yaml") {
        cluster.policies = fixed(Policies::new(policy::load(&path).expect("policies")));
    }
    if let Some(path) = case.file("namespace.yaml") {
        let namespaces = inputs::namespaces(&path).expect("namespaces");
        cluster.namespaces = Arc::new(KnownNamespaces::new(namespaces));
    }
    if let Some(path) = case.file("facts.yaml") {
        cluster.facts = inputs::facts(&path).expect("facts");
    }
    cluster.capabilities = capabilities(&case.args());
    // `check` judges pods as if they were opted in, unless the case says otherwise.
    let assume_opted_in = !case.as_deployed();
    let planner = move |pod: &Value, context: &Context<'_>| {
        softstop_core::plan(
            pod,
            &Context {
                assume_opted_in,
                ..*context
            },
        )
    };
    Reviewer::with_planner(cluster, Arc::new(planner))
}

#[test]
fn the_webhook_gives_the_patch_of_check() {
    for case in Case::all() {
        let reviewer = reviewer(&case);
        let file = File::read(&case.directory.join(case.manifest())).expect("a file");
        let documents = file
            .documents()
            .map(|document| document.expect("YAML").root.to_value());
        let patches: Vec<_> = documents
            .flat_map(|document| manifest::pods(&document))
            .map(|pod| {
                let namespace = pod.namespace.unwrap_or_else(|| "default".to_owned());
                let review = Review::of_pod(to_raw_value(&pod.value).expect("JSON"), namespace);
                let answer = reviewer.review(Hook::Mutate, &review).answer;
                let patch = answer.patch.map_or(Value::Null, |patch| {
                    serde_json::from_str(&patch).expect("JSON")
                });
                (pod.name, patch)
            })
            .collect();
        let expected: Vec<_> = case
            .patches()
            .into_iter()
            .map(|(name, patch)| {
                (
                    name,
                    if patch.as_array().is_some_and(Vec::is_empty) {
                        Value::Null
                    } else {
                        patch
                    },
                )
            })
            .collect();
        assert_eq!(patches, expected, "{}", case.name());
    }
}
