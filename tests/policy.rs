//! Policy files: what is read out of them, and what is refused, with its place.

mod refused;
mod schema;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use softstop::policy::{ShutdownPolicy, crd, crd_yaml, from_object, parse};
use softstop_core::{
    Bounds, Entrypoint, Mode, Policy, PreStop, Requirement, Runtime, Selector, Setting, Violations,
};
use softstop_programs::signal::Signal;

const EVERYTHING: &str = r#"apiVersion: softstop.dev/v1alpha1
kind: ShutdownPolicy
metadata:
  name: web
  labels: {team: a}
spec:
  mode: enforce
  priority: -5
  namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: shop}
  podSelector:
    matchExpressions:
    - {key: app, operator: In, values: [web, api]}
    - {key: tier, operator: NotIn, values: [batch]}
    - {key: softstop, operator: Exists}
    - {key: legacy, operator: DoesNotExist}
  entrypoint: auto
  drainDelay: 5
  drainTime: 1m30s
  gracePeriod: "120"
  preStop:
    exec:
      command: [nginx, -s, quit]
  stopSignal: SIGQUIT
  runtime: gunicorn
  writable: [/run, /var/cache/app]
  bounds:
    gracePeriod: {min: 30, max: 10m}
    drainDelay: {max: 15s}
  locked: [mode, drainDelay]
  violations: Warn
  trustSourcedFiles: true
"#;

const LEAST: &str = "apiVersion: softstop.dev/v1alpha1\nkind: ShutdownPolicy\nmetadata: {name: least}\nspec: {mode: audit}\n";

fn one(text: &str) -> Policy {
    let mut policies = parse(text, "policy.yaml").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(policies.len(), 1);
    policies.remove(0)
}

#[test]
fn every_field_is_read() {
    let policy = one(EVERYTHING);
    let set = |values: &[&str]| {
        values
            .iter()
            .map(|&value| value.to_owned())
            .collect::<BTreeSet<_>>()
    };
    let Some(Runtime::Profile(profile)) = policy.runtime else {
        panic!("{:?}", policy.runtime)
    };
    assert_eq!(profile.name, "gunicorn");
    assert_eq!(
        policy,
        Policy {
            name: "web".into(),
            priority: -5,
            namespaces: Selector {
                labels: [("kubernetes.io/metadata.name".into(), "shop".into())].into(),
                requirements: vec![],
            },
            pods: Selector {
                labels: [].into(),
                requirements: vec![
                    Requirement::In("app".into(), set(&["web", "api"])),
                    Requirement::NotIn("tier".into(), set(&["batch"])),
                    Requirement::Exists("softstop".into()),
                    Requirement::DoesNotExist("legacy".into()),
                ],
            },
            mode: Mode::Enforce,
            locked: [Setting::Mode, Setting::DrainDelay].into(),
            bounds: Bounds {
                grace_min: Some(30),
                grace_max: Some(600),
                drain_delay_max: Some(15)
            },
            violations: Violations::Warn,
            entrypoint: Entrypoint::Auto,
            drain_delay: Some(5),
            drain_time: Some(90),
            grace_period: Some(120),
            pre_stop: Some(PreStop::Exec(
                ["nginx", "-s", "quit"].map(str::to_owned).into()
            )),
            stop_signal: Some(Signal::QUIT),
            runtime: policy.runtime,
            writable: vec!["/run".into(), "/var/cache/app".into()],
            trust_sourced_files: Some(true),
        }
    );
}

#[test]
fn a_policy_that_says_nothing_injects_nothing() {
    let policy = one(LEAST);
    assert_eq!(policy.mode, Mode::Audit);
    assert_eq!(policy.entrypoint, Entrypoint::Exec);
    assert_eq!((policy.priority, policy.violations), (0, Violations::Allow));
    assert_eq!(
        (policy.namespaces, policy.pods),
        (Selector::default(), Selector::default())
    );
    assert_eq!(
        (policy.drain_delay, policy.bounds, policy.locked.len()),
        (None, Bounds::default(), 0)
    );
}

#[test]
fn an_http_hook_is_read() {
    for (hook, expected) in [
        ("{port: 8080, path: /drain}", ("8080", "/drain")),
        ("{port: admin}", ("admin", "/")),
    ] {
        let policy = one(&format!(
            "{}  preStop: {{httpGet: {hook}}}\n",
            LEAST.replace("{mode: audit}", "\n  mode: audit")
        ));
        let (port, path) = (expected.0.into(), expected.1.into());
        assert_eq!(policy.pre_stop, Some(PreStop::HttpGet { port, path }));
    }
}

#[test]
fn several_policies_come_as_documents_or_as_a_list() {
    let names = |text: &str| {
        let policies = parse(text, "policy.yaml").unwrap_or_else(|error| panic!("{error}"));
        policies
            .into_iter()
            .map(|policy| policy.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&format!("---\n{EVERYTHING}---\n{LEAST}---\n")),
        ["least", "web"]
    );
    let item = |name: &str| {
        json!({"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy",
        "metadata": {"name": name, "uid": "1", "resourceVersion": "2"}, "spec": {"mode": "off"}, "status": {"x": 1}})
    };
    for kind in ["List", "ShutdownPolicyList"] {
        let list = json!({"apiVersion": "v1", "kind": kind, "metadata": {}, "items": [item("b"), item("a")]});
        assert_eq!(names(&list.to_string()), ["a", "b"]);
    }
    assert_eq!(names("# nothing yet\n"), Vec::<String>::new());
}

/// A policy of the cluster that cannot be read leaves its pods alone, if it can be told which they are.
#[test]
fn an_object_that_cannot_be_read_has_a_stand_in() {
    let object = |spec: Value| json!({"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy", "metadata": {"name": "web"}, "spec": spec});
    let whole =
        object(json!({"mode": "audit", "priority": 7, "podSelector": {"matchLabels": {"a": "b"}}}));
    assert_eq!(from_object(&whole).unwrap().priority, 7);

    let typo = object(
        json!({"mode": "enforce", "priority": 7, "runtime": "gnuicorn",
        "podSelector": {"matchLabels": {"a": "b"}}}),
    );
    let unreadable = from_object(&typo).unwrap_err();
    assert!(
        unreadable
            .why
            .starts_with("spec.runtime: \"gnuicorn\" is not accepted"),
        "{unreadable}"
    );
    let stand_in = unreadable.stand_in.unwrap();
    assert_eq!((stand_in.name.as_str(), stand_in.priority), ("web", 7));
    assert_eq!(stand_in.pods.labels["a"], "b");
    assert_eq!(stand_in.mode, Mode::Off);
    assert!(stand_in.locked.contains(&Setting::Mode));

    let nobody = object(json!({"mode": "enforce", "podSelector": {"matchLabels": {"a b": "c"}}}));
    let unreadable = from_object(&nobody).unwrap_err();
    assert_eq!(unreadable.stand_in, None);
    assert!(
        unreadable
            .to_string()
            .ends_with("until it is repaired, it has no effect"),
        "{unreadable}"
    );
    assert!(from_object(&json!({})).is_err());
}
