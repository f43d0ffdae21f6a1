//! Policy files: what is read out of them, and what is refused, with its place.

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

/// What is changed in `EVERYTHING`, and the error: its place, and words of its message.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    (
        "mode: enforce",
        "mode: on",
        "7:9",
        "spec.mode: a string is expected here, and YAML reads this word as the boolean true; put it in quotes",
    ),
    ("mode: enforce", "mode: off", "7:9", "put it in quotes"),
    (
        "mode: enforce",
        "mode: Enforce",
        "7:9",
        "spec.mode: \"Enforce\" is not accepted; accepted: enforce, audit, \"off\"",
    ),
    (
        "  mode: enforce\n",
        "",
        "6:1",
        "spec: the field mode is missing (enforce, audit or \"off\")",
    ),
    (
        "mode: enforce",
        "modes: enforce",
        "7:3",
        "spec.modes: there is no such field; known here: mode, priority",
    ),
    (
        "drainDelay: 5",
        "drain-delay: 5",
        "18:3",
        "spec.drain-delay: there is no such field",
    ),
    (
        "drainDelay: 5",
        "drainDelay: 5\n  drainDelay: 6",
        "19:3",
        "a second time",
    ),
    (
        "drainDelay: 5",
        "drainDelay: soon",
        "18:15",
        "spec.drainDelay: \"soon\" is no duration; accepted: seconds",
    ),
    (
        "drainDelay: 5",
        "drainDelay: -1",
        "18:15",
        "spec.drainDelay: \"-1\" is no duration",
    ),
    (
        "drainDelay: 5",
        "drainDelay: 1.5",
        "18:15",
        "\"1.5\" is no duration",
    ),
    (
        "drainDelay: 5",
        "drainDelay: 25h",
        "18:15",
        "\"25h\" is no duration",
    ),
    (
        "drainDelay: 5",
        "drainDelay: [5]",
        "18:15",
        "spec.drainDelay: a string is expected here",
    ),
    (
        "drainDelay: 5",
        "drainDelay: 16",
        "18:15",
        "spec.drainDelay: 16 s is more than the policy's own spec.bounds.drainDelay.max, 15 s",
    ),
    (
        "gracePeriod: \"120\"",
        "gracePeriod: 11m",
        "20:16",
        "660 s is more than the policy's own spec.bounds.gracePeriod.max, 600 s",
    ),
    (
        "min: 30",
        "min: 20m",
        "28:18",
        "spec.bounds.gracePeriod: min, 1200 s, is more than max, 600 s",
    ),
    (
        "min: 30",
        "least: 30",
        "28:19",
        "spec.bounds.gracePeriod.least: there is no such field; known here: min, max",
    ),
    (
        "priority: -5",
        "priority: high",
        "8:13",
        "spec.priority: an integer is expected here",
    ),
    (
        "priority: -5",
        "priority: 3000000000",
        "8:13",
        "spec.priority: an integer is expected here",
    ),
    (
        "entrypoint: auto",
        "entrypoint: best",
        "17:15",
        "accepted: auto, exec, init, hook, \"off\"",
    ),
    (
        "stopSignal: SIGQUIT",
        "stopSignal: SIGNOPE",
        "24:15",
        "spec.stopSignal: \"SIGNOPE\" is not accepted; accepted: a signal that a program can catch",
    ),
    (
        "runtime: gunicorn",
        "runtime: gnuicorn",
        "25:12",
        "spec.runtime: \"gnuicorn\" is not accepted; accepted: auto, none or one of ",
    ),
    (
        "[/run,",
        "[run,",
        "26:14",
        "spec.writable[0]: \"run\" is not accepted; accepted: absolute paths",
    ),
    ("[/run,", "[/,", "26:14", "spec.writable[0]"),
    ("[/run,", "[/run/../etc,", "26:14", "spec.writable[0]"),
    (
        "[mode, drainDelay]",
        "[mode, drain-delay]",
        "30:18",
        "spec.locked[1]: \"drain-delay\" is not accepted; accepted: mode, entrypoint, drainDelay",
    ),
    (
        "[mode, drainDelay]",
        "mode",
        "30:11",
        "spec.locked: a list of settings is expected here",
    ),
    (
        "violations: Warn",
        "violations: warn",
        "31:15",
        "accepted: Allow, Warn, Deny",
    ),
    (
        "trustSourcedFiles: true",
        "trustSourcedFiles: \"true\"",
        "32:22",
        "spec.trustSourcedFiles: true or false is expected here, without quotes",
    ),
    (
        "command: [nginx, -s, quit]",
        "command: nginx -s quit",
        "23:16",
        "spec.preStop.exec.command: a list of words is expected here",
    ),
    (
        "command: [nginx, -s, quit]",
        "command: []",
        "23:16",
        "it is empty",
    ),
    (
        "command: [nginx, -s, quit]",
        "command: [sleep, 5]",
        "23:24",
        "put the number in quotes",
    ),
    (
        "    exec:\n      command: [nginx, -s, quit]",
        "    {}",
        "22:5",
        "spec.preStop: one of exec and httpGet is expected here",
    ),
    (
        "    exec:\n      command: [nginx, -s, quit]",
        "    httpGet: {port: 0}",
        "22:21",
        "\"0\" is no port",
    ),
    (
        "    exec:\n      command: [nginx, -s, quit]",
        "    httpGet: {port: 1, host: a}",
        "22:24",
        "spec.preStop.httpGet.host: there is no such field",
    ),
    (
        "operator: In,",
        "operator: in,",
        "13:28",
        "spec.podSelector.matchExpressions[0].operator: \"in\" is not accepted; accepted: In, NotIn, Exists, DoesNotExist",
    ),
    (
        "operator: In, values: [web, api]",
        "operator: In",
        "13:7",
        "In and NotIn need values",
    ),
    (
        "operator: Exists",
        "operator: Exists, values: [a]",
        "15:7",
        "take no values",
    ),
    (
        "key: app,",
        "key: -app,",
        "13:13",
        "\"-app\" is no key of a label",
    ),
    (
        "{kubernetes.io/metadata.name: shop}",
        "{a: 1}",
        "10:22",
        "put the number in quotes",
    ),
    (
        "{kubernetes.io/metadata.name: shop}",
        "{a: b c}",
        "10:22",
        "accepted: values of labels",
    ),
    (
        "  name: web\n",
        "",
        "3:1",
        "metadata: the field name is missing",
    ),
    (
        "name: web",
        "name: Web",
        "4:9",
        "metadata.name: \"Web\" is not accepted",
    ),
    (
        "name: web",
        "name: web\n  namespace: shop",
        "5:14",
        "metadata.namespace: a policy is in no namespace",
    ),
    (
        "v1alpha1",
        "v1",
        "1:13",
        "apiVersion: \"softstop.dev/v1\" is not accepted; accepted: softstop.dev/v1alpha1",
    ),
    (
        "kind: ShutdownPolicy",
        "kind: Policy",
        "2:7",
        "kind: Policy is none of ShutdownPolicy, List",
    ),
    (
        "kind: ShutdownPolicy\n",
        "",
        "1:1",
        "the field kind is missing",
    ),
    (
        "mode: enforce",
        "mode: {{ .Values.mode }}",
        "7:",
        "this is a template",
    ),
    ("labels: {team: a}", "labels: {team: a", "", ""),
];

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    for (written, instead, place, message) in REFUSED {
        assert!(EVERYTHING.contains(written), "{written}");
        let error = parse(&EVERYTHING.replacen(written, instead, 1), "policy.yaml")
            .expect_err(instead)
            .to_string();
        let at_place = error.starts_with(&format!("policy.yaml:{place}"));
        assert!(at_place && error.contains(message), "{instead}: {error}");
    }
    let twice = format!("{LEAST}---\n{LEAST}");
    let error = parse(&twice, "policy.yaml")
        .expect_err("two of one name")
        .to_string();
    assert_eq!(
        error,
        "policy.yaml:8:18: metadata.name: there is another policy named least"
    );
    for text in ["7", "[]", "kind: List\n", "kind: List\nitems: {}\n"] {
        parse(text, "policy.yaml").expect_err(text);
    }
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

/// The schema and the reader are two descriptions of one thing: what one knows, the other knows too.
#[test]
fn the_schema_has_the_fields_that_are_read() {
    let crd = crd();
    assert_eq!(crd["spec"]["scope"], "Cluster");
    assert_eq!(crd["spec"]["names"]["plural"], "shutdownpolicies");
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    assert_eq!(schema["required"], json!(["mode"]));
    let known = |pointer: &str| {
        let names = schema
            .pointer(&format!("{pointer}/properties"))
            .and_then(Value::as_object)
            .expect(pointer);
        names.keys().cloned().collect::<BTreeSet<_>>()
    };
    // A field that does not exist makes the reader list those that do.
    for (pointer, text) in [
        ("", "{mode: audit, nope: 1}"),
        ("/properties/bounds", "{mode: audit, bounds: {nope: 1}}"),
        (
            "/properties/bounds/properties/gracePeriod",
            "{mode: audit, bounds: {gracePeriod: {nope: 1}}}",
        ),
        (
            "/properties/bounds/properties/drainDelay",
            "{mode: audit, bounds: {drainDelay: {nope: 1}}}",
        ),
        ("/properties/preStop", "{mode: audit, preStop: {nope: 1}}"),
        (
            "/properties/preStop/properties/exec",
            "{mode: audit, preStop: {exec: {nope: 1}}}",
        ),
        (
            "/properties/preStop/properties/httpGet",
            "{mode: audit, preStop: {httpGet: {nope: 1}}}",
        ),
        (
            "/properties/podSelector",
            "{mode: audit, podSelector: {nope: 1}}",
        ),
        (
            "/properties/namespaceSelector",
            "{mode: audit, namespaceSelector: {nope: 1}}",
        ),
    ] {
        let error = parse(&LEAST.replace("{mode: audit}", text), "p")
            .expect_err(text)
            .to_string();
        let (_, fields) = error.split_once("known here: ").expect(&error);
        assert_eq!(
            fields
                .split(", ")
                .map(str::to_owned)
                .collect::<BTreeSet<_>>(),
            known(pointer),
            "{pointer}"
        );
    }
    // Every setting that can be locked is a field, and the reader accepts just the names of the schema.
    let lockable = schema
        .pointer("/properties/locked/items/enum")
        .expect("an enumeration");
    assert_eq!(lockable.as_array().map(Vec::len), Some(Setting::ALL.len()));
    assert!(
        lockable
            .as_array()
            .into_iter()
            .flatten()
            .all(|name| known("").contains(name.as_str().unwrap()))
    );
    let policy = one(&LEAST.replace(
        "{mode: audit}",
        &format!("{{mode: audit, locked: {lockable}}}"),
    ));
    assert_eq!(policy.locked, Setting::ALL.into());
}

/// A file that `kubectl apply` takes is one that `--policy-file` takes.
#[test]
fn the_custom_resource_reads_the_same_file() {
    let object: ShutdownPolicy = serde_saphyr::from_str(EVERYTHING).expect("the custom resource");
    let again = one(&serde_json::to_string(&object).unwrap());
    assert_eq!(again, one(EVERYTHING));
}

/// `deploy/chart/files/crd.yaml` is what `softstop crd` prints. To write it anew: `UPDATE_EXPECT=1 cargo test crd`.
#[test]
fn the_crd_is_the_one_that_is_deployed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/chart/files/crd.yaml");
    let expected = crd_yaml().unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let deployed = std::fs::read_to_string(path).expect(path);
    assert!(
        deployed == expected,
        "{path} is out of date: UPDATE_EXPECT=1 cargo test crd"
    );
}
