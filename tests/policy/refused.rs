//! Policy files with a mistake: each is refused with its place.

use softstop::policy::parse;

use super::{EVERYTHING, LEAST};

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
