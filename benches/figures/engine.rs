//! The engine alone: a script, pods of all sizes, many policies, hostile scripts.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use serde_json::{Value, json};
use softstop::policy;
use softstop_core::shell::{Dialect, read};
use softstop_core::{Capabilities, Context, ImageFacts, Namespace, Policies, plan};
use softstop_rig::samples;

use crate::measure::{Figure, Spread, figure, ratio, time};

const MICROSECONDS: (f64, &str) = (1e6, "us");
const MILLISECONDS: (f64, &str) = (1e3, "ms");
const TIMES: (f64, &str) = (1.0, "x");

/// A start script as images have them.
const SCRIPT: &str = "\
set -e
# once per start
python manage.py migrate --noinput
if [ -n \"$WORKERS\" ]; then
  gunicorn shop.wsgi:application --bind 0.0.0.0:8000 --workers \"$WORKERS\"
else
  gunicorn shop.wsgi:application --bind 0.0.0.0:8000
fi
";

pub(crate) fn figures() -> Vec<Figure> {
    let one = World::new(1);
    let many = World::new(1_000);
    let typical = typical_pod();
    let large = large_pod();
    let (piece, hostile) = hostile();
    vec![
        figure(
            "a typical script: read, and decided where exec goes",
            time(|| _ = black_box(read(black_box(SCRIPT), Dialect::Posix))),
            MICROSECONDS,
            "<= 10 us",
            |t| t <= 10e-6,
        ),
        figure(
            "plan of a typical pod",
            time(|| one.plan(&typical)),
            MICROSECONDS,
            "<= 30 us",
            |t| t <= 30e-6,
        ),
        figure(
            "plan of a pod of 100 containers and 1 MiB",
            time(|| one.plan(&large)),
            MILLISECONDS,
            "<= 5 ms",
            |t| t <= 5e-3,
        ),
        figure(
            "plan with 1,000 policies, against one",
            ratio(|| many.plan(&typical), || one.plan(&typical)),
            TIMES,
            "<= 2 x",
            |ratio| ratio <= 2.0,
        ),
        figure(
            format!(
                "hostile script of 64 KiB, against 32 KiB; the worst of them: `{piece:?}` repeated"
            ),
            hostile,
            TIMES,
            "<= 2.2 x",
            |ratio| ratio <= 2.2,
        ),
    ]
}

/// Everything beside the pod.
struct World {
    namespace: Namespace,
    policies: Policies,
    facts: ImageFacts,
    capabilities: Capabilities,
}

impl World {
    /// So many policies, of which the last one matches.
    fn new(policies: usize) -> Self {
        let mut text = String::new();
        for index in 1..=policies {
            let team = if index == policies {
                "shop".to_owned()
            } else {
                format!("team-{index}")
            };
            let _ = write!(
                text,
                "---\napiVersion: softstop.dev/v1alpha1\nkind: ShutdownPolicy\nmetadata: {{name: policy-{index:04}}}\n\
                 spec:\n  namespaceSelector: {{matchLabels: {{team: {team}}}}}\n  mode: enforce\n  drainDelay: 5s\n"
            );
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("policies.yaml");
        std::fs::write(&file, text).unwrap();
        let policies = Policies::new(policy::load(&file).unwrap());
        let labels = [("team".to_owned(), "shop".to_owned())].into();
        Self {
            namespace: Namespace {
                name: "shop".into(),
                labels,
                ..Namespace::default()
            },
            policies,
            facts: ImageFacts::default(),
            capabilities: Capabilities::default(),
        }
    }

    fn plan(&self, pod: &Value) {
        let context = Context {
            namespace: &self.namespace,
            policies: &self.policies,
            facts: &self.facts,
            capabilities: &self.capabilities,
            assume_opted_in: false,
        };
        let plan = plan(black_box(pod), &context);
        black_box(plan.patch(pod)).unwrap();
    }
}

/// Django after a migration, of examples/.
fn typical_pod() -> Value {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let all = samples(&examples).unwrap();
    all.into_iter()
        .find(|sample| sample.file.ends_with("django-gunicorn-migrate.yaml"))
        .expect("an example")
        .pod
}

fn large_pod() -> Value {
    let script = "python manage.py migrate --noinput && gunicorn shop.wsgi:application --bind 0.0.0.0:8000 --workers 4";
    let env: Vec<_> = (0..100)
        .map(|index| json!({"name": format!("VARIABLE_{index}"), "value": "x".repeat(70)}))
        .collect();
    let containers: Vec<_> = (0..100)
        .map(|index| {
            json!({"name": format!("c{index}"), "image": "app:1", "command": ["bash", "-c", script], "env": env,
                "ports": [{"containerPort": 8000}]})
        })
        .collect();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large", "namespace": "shop"},
        "spec": {"containers": containers}});
    let length = pod.to_string().len();
    assert!(
        (900_000..1_200_000).contains(&length),
        "{length} bytes are not about 1 MiB"
    );
    pod
}

/// Texts on which careless readers take quadratic time: the same piece over and over, and what nests.
fn hostile() -> (&'static str, Spread) {
    const PIECES: [&str; 18] = [
        "(",
        "{ ",
        "$(",
        "`",
        "\"",
        "'",
        "\\",
        "${a:-",
        "if ",
        "while ",
        "case x in ",
        "a && ",
        "a | ",
        "a; ",
        "<<E\n",
        "$((",
        "$(A) ",
        "#\n",
    ];
    let world = World::new(1);
    let pod = |piece: &str, length: usize| {
        let script = piece.repeat(length / piece.len() + 1);
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "hostile", "namespace": "shop"},
            "spec": {"containers": [{"name": "c", "image": "app:1", "command": ["sh", "-c", &script[..length]]}]}})
    };
    let ratios = PIECES.map(|piece| {
        let (double, single) = (pod(piece, 65_536), pod(piece, 32_768));
        (piece, ratio(|| world.plan(&double), || world.plan(&single)))
    });
    ratios
        .into_iter()
        .max_by(|a, b| a.1.median.total_cmp(&b.1.median))
        .expect("some pieces")
}
