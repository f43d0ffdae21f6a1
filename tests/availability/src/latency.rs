//! What asking softstop costs each creation.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use softstop_rig::Node;

use crate::creator::client;
use crate::install::{is_changed, pod, try_pod, upgrade};
use crate::load::create_one;
use crate::noop::Noop;

/// Where softstop is asked.
const SOFTSTOP: &str = "softstop";

/// What stands between the API server and a pod.
struct Kind {
    what: &'static str,
    /// The namespace where it does.
    namespace: &'static str,
    /// Whether the pod asks for softstop: otherwise it is left alone.
    asks: bool,
    /// Whether the pod's script is edited.
    edited: bool,
    /// What it is compared with.
    against: Option<usize>,
}

/// All of them, in the order in which each round meets them.
const KINDS: [Kind; 6] = [
    Kind {
        what: "nothing",
        namespace: "plain",
        asks: true,
        edited: false,
        against: None,
    },
    Kind {
        what: "a MutatingAdmissionPolicy that makes the same edit",
        namespace: "expression",
        asks: true,
        edited: true,
        against: None,
    },
    Kind {
        what: "a webhook that looks at nothing",
        namespace: "looks",
        asks: false,
        edited: false,
        against: None,
    },
    Kind {
        what: "softstop, of a pod that it leaves alone",
        namespace: SOFTSTOP,
        asks: false,
        edited: false,
        against: Some(2),
    },
    Kind {
        what: "a webhook that looks at nothing, and sends softstop's patch",
        namespace: "patches",
        asks: true,
        edited: true,
        against: None,
    },
    Kind {
        what: "softstop, of a pod that it changes",
        namespace: SOFTSTOP,
        asks: true,
        edited: true,
        against: Some(4),
    },
];

/// How much longer softstop may take than the webhook that looks at nothing, at the 99th percentile.
const ALLOWANCE: Duration = Duration::from_millis(1);

/// Connections are made, and code is loaded.
const WARM_UP: usize = 50;

/// How long each creation took, sorted.
#[derive(Debug, Clone, Default)]
struct Figures(Vec<Duration>);

impl Figures {
    /// What so many of a hundred do not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(index).copied().unwrap_or_default()
    }
}

/// What was measured.
#[derive(Debug)]
pub struct Latency {
    figures: [Figures; KINDS.len()],
    load: String,
}

/// Creates `count` pods of each kind as dry runs, in turn, so that whatever slows the machine slows all of them.
pub fn latency(node: &Node, count: usize) -> anyhow::Result<Latency> {
    for namespace in KINDS.iter().map(|kind| kind.namespace) {
        node.apply(
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        )?;
        node.wait_account(namespace, crate::PATIENCE)?;
    }
    // With `Ignore`, a webhook that fails would be a fast one.
    upgrade(node, &[r#"webhook.failurePolicy="Fail""#, &excluded()])?;
    let patch = patch(&try_pod(node, SOFTSTOP)?)?;
    node.apply(&expression())?;
    node.apply(&binding())?;
    let noop = Noop {
        looks: "looks",
        patches: "patches",
        patch: &patch,
    };
    noop.install(node)?;

    let runtime = node.runtime(2)?;
    let client = client(node, &runtime)?;
    let measured = runtime.spawn(async move {
        let mut figures: [Figures; KINDS.len()] = Default::default();
        for round in 0..count + WARM_UP {
            for (figures, kind) in figures.iter_mut().zip(&KINDS) {
                let pod = kind.pod();
                let begun = Instant::now();
                let pod = create_one(&client, &pod, "?dryRun=All").await?;
                let elapsed = begun.elapsed();
                anyhow::ensure!(kind.is_as_expected(&pod), "{}: {pod}", kind.what);
                if round >= WARM_UP {
                    figures.0.push(elapsed);
                }
            }
        }
        anyhow::Ok(figures)
    });
    let mut figures = runtime
        .block_on(measured)
        .context("the measurement panicked")??;
    for figures in &mut figures {
        figures.0.sort_unstable();
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    // The last minute.
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    Ok(Latency { figures, load })
}

impl Latency {
    /// Whether softstop keeps to its allowance.
    pub fn holds(&self) -> bool {
        (0..KINDS.len()).all(|index| self.excess(index).is_none_or(|excess| excess <= ALLOWANCE))
    }

    /// How much longer it takes than what it is compared with, at the 99th percentile.
    fn excess(&self, index: usize) -> Option<Duration> {
        let against = &self.figures[KINDS[index].against?];
        let own = self.figures[index].percentile(99);
        Some(own.saturating_sub(against.percentile(99)))
    }

    /// `docs/benchmarks-latency.md`.
    pub fn page(&self) -> String {
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        let mut page = format!(
            "# What softstop costs each creation

Written by `cargo xtask bench latency`: a Kubernetes node of the test rig, release builds, softstop installed by its chart with three replicas. {} dry-run creations of a pod for
each row, one after the other and in turn, so that whatever slows the machine slows all of them. Everything, the API server too, shares {processors} processors; load average: {}.

| between the API server and the pod | p50 | p90 | p99 | goal |
|---|---|---|---|---|
",
            self.figures[0].0.len(),
            self.load
        );
        for (index, (kind, figures)) in KINDS.iter().zip(&self.figures).enumerate() {
            let milliseconds = |percent| figures.percentile(percent).as_secs_f64() * 1000.0;
            let goal = self.excess(index).map_or(String::new(), |excess| {
                let verdict = if excess <= ALLOWANCE {
                    "holds"
                } else {
                    "does **not** hold"
                };
                format!("p99 at most 1 ms above the row before: {verdict}")
            });
            let _ = writeln!(
                page,
                "| {} | {:.2} ms | {:.2} ms | {:.2} ms | {goal} |",
                kind.what,
                milliseconds(50),
                milliseconds(90),
                milliseconds(99),
            );
        }
        page += "
The webhook that looks at nothing is of the same stack: axum, hyper and rustls, a static program in three pods with softstop's resources behind a Service, registered with softstop's own
rules and conditions. It reads the request as JSON and answers `allowed`. What the API server itself does with a patch (apply it, default and validate the pod again) is in both rows of the second pair.

The MutatingAdmissionPolicy puts `exec ` in front of this one pod's script, unread: what softstop proves before it does so, it cannot.
";
        page
    }
}

impl Kind {
    fn pod(&self) -> Value {
        let mut pod = pod(self.namespace);
        if !self.asks
            && let Some(metadata) = pod["metadata"].as_object_mut()
        {
            metadata.remove("annotations");
        }
        pod
    }

    fn is_as_expected(&self, pod: &Value) -> bool {
        let script = if self.edited {
            "exec gunicorn shop.wsgi"
        } else {
            "gunicorn shop.wsgi"
        };
        let changed = self.edited && self.namespace != "expression";
        pod["spec"]["containers"][0]["command"][2] == script && is_changed(pod) == changed
    }
}

/// What softstop did to the pod, as a patch for a pod that it was not done to.
fn patch(changed: &Value) -> anyhow::Result<Value> {
    let status = &changed["metadata"]["annotations"]["softstop.dev/status"];
    let script = &changed["spec"]["containers"][0]["command"][2];
    anyhow::ensure!(
        status.is_string() && script == "exec gunicorn shop.wsgi",
        "softstop changed something else: {changed}"
    );
    Ok(json!([
        {"op": "replace", "path": "/spec/containers/0/command/2", "value": script},
        {"op": "add", "path": "/metadata/annotations/softstop.dev~1status", "value": status},
    ]))
}

/// A policy that makes the same edit as softstop, of this one pod.
fn expression() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "expression"},
        "spec": {
            "failurePolicy": "Fail", "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "expression"}},
                "resourceRules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
            },
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": concat!(
                "!object.spec.containers[0].command[2].startsWith('exec ') ? ",
                "[JSONPatch{op: 'replace', path: '/spec/containers/0/command/2', ",
                "value: 'exec ' + object.spec.containers[0].command[2]}] : []",
            )}}],
        },
    })
}

fn binding() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "expression"}, "spec": {"policyName": "expression"},
    })
}

/// The value of the chart that keeps softstop out of the other namespaces.
fn excluded() -> String {
    let others = KINDS.iter().map(|kind| kind.namespace);
    let others = others.filter(|namespace| *namespace != SOFTSTOP);
    let all: Vec<_> = ["kube-system", "kube-node-lease"]
        .into_iter()
        .chain(others)
        .collect();
    format!("webhook.excludedNamespaces={}", json!(all))
}
