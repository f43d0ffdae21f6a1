//! Every format over one report that no engine is needed for.

use serde_json::json;
use softstop_core::{
    Capabilities, Change, Context, ImageFacts, Mode, Namespace, OpKind, Policies, Source, Sourced,
    Verdict, rules,
};

use super::*;

const MANIFEST: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    command:
    - sh
    - -c
    - |
      set -e
      gunicorn app:app  # <&\"
";

fn op(path: &str, value: Value) -> Op {
    Op {
        kind: OpKind::Replace,
        path: path.to_owned(),
        value,
    }
}

/// A plan without anything in it, to be filled.
fn empty_plan() -> Plan {
    let context = Context {
        namespace: &Namespace::default(),
        policies: &Policies::default(),
        facts: &ImageFacts::default(),
        capabilities: &Capabilities::default(),
        assume_opted_in: false,
    };
    softstop_core::plan(&Value::Null, &context)
}

fn report() -> Report {
    let rule = rules::find("SS101").expect("a rule");
    let file = Rc::new(File::new("deploy/a b.yaml", MANIFEST));
    let range = MANIFEST
        .find("gunicorn")
        .map_or(0..0, |at| at..at + "gunicorn app:app".len());
    let finding = Finding {
        rule,
        severity: Severity::Error,
        pointer: "/spec/containers/0/command/2".to_owned(),
        span: Some(7..23),
        container: Some("web".to_owned()),
        message: "the shell is PID 1, 100% <sure>\u{1b}[31m".to_owned(),
        on_stop: None,
        fix: "put exec in front of gunicorn".to_owned(),
        repaired: true,
    };
    let pod = json!({"kind": "Pod", "spec": {"containers": [{"name": "web", "command": ["sh", "-c", "set -e\ngunicorn app:app\n"]}]}});
    let ops = vec![op(
        "/spec/containers/0/command/2",
        json!("set -e\nexec gunicorn app:app\n"),
    )];
    let mut plan = empty_plan();
    plan.mode = Sourced {
        value: Mode::Enforce,
        source: Source::Assumed,
    };
    plan.containers = vec![ContainerPlan {
        name: "web".to_owned(),
        pointer: "/spec/containers/0".to_owned(),
        verdict: Verdict::Exec,
        reason: "exec-proven",
        why: "the last command may be exec'd".to_owned(),
        argv: Some(vec![
            "sh".to_owned(),
            "-c".to_owned(),
            "set -e\ngunicorn app:app\n".to_owned(),
        ]),
        program: Some("gunicorn".to_owned()),
        pid1: "sh".to_owned(),
        pid1_after: "gunicorn".to_owned(),
        on_stop: "sh ignores SIGTERM; after 30 s everything is killed".to_owned(),
        on_stop_after: "gunicorn drains".to_owned(),
    }];
    plan.changes = vec![Change {
        code: Some(rule.code),
        reason: "exec in front of gunicorn".to_owned(),
        ops: ops.clone(),
    }];
    plan.findings = vec![finding.clone()];
    let (start, end) = (file.position(range.start), file.position(range.end));
    Report {
        pods: vec![PodReport {
            at: Position { line: 1, column: 1 },
            kind: "Pod".to_owned(),
            name: "web".to_owned(),
            namespace: Some("shop".to_owned()),
            pod,
            plan,
            patch: ops,
            diagnostics: vec![Diagnostic {
                finding,
                range,
                start,
                end,
            }],
            file: Rc::clone(&file),
        }],
        failures: vec![
            Failure::at(
                Some(&file),
                file.broken(MANIFEST.find("metadata").unwrap_or(0), "no: good"),
            ),
            Failure::of("gone.yaml", "cannot read it"),
        ],
    }
}

fn render(format: Format, options: Options) -> String {
    report().render(format, options)
}

#[test]
fn full() {
    assert_eq!(
        render(Format::Full, Options::default()),
        "\
error: no: good
 --> deploy/a b.yaml:3:1
  |
3 | metadata: {name: web, namespace: shop}
  | ^

error: gone.yaml: cannot read it

error[SS101 shell-swallows-signal]: the shell is PID 1, 100% <sure>\\u{1b}[31m
  --> deploy/a b.yaml:12:7
   |
12 |       gunicorn app:app  # <&\"
   |       ^^^^^^^^^^^^^^^^
   |
   = in: Pod shop/web, container web
   = runs: [\"sh\",\"-c\",\"set -e\\ngunicorn app:app\\n\"]
   = PID 1: sh
   = on SIGTERM: sh ignores SIGTERM; after 30 s everything is killed
   = fix: put exec in front of gunicorn
   = softstop: writes /spec/containers/0/command/2 (exec in front of gunicorn); then: gunicorn drains
   = more: softstop explain SS101

1 finding (1 error; softstop repairs 1) in 1 pod; 2 things could not be read or done
"
    );
}

#[test]
fn concise() {
    assert_eq!(
        render(Format::Concise, Options::default()),
        "\
deploy/a b.yaml:3:1: error: no: good
gone.yaml: error: cannot read it
deploy/a b.yaml:12:7: error SS101 the shell is PID 1, 100% <sure>\\u{1b}[31m
"
    );
}

#[test]
fn json() {
    let document: Value =
        serde_json::from_str(&render(Format::Json, Options::default())).expect("JSON");
    assert_eq!(document["version"], 1);
    let pod = &document["pods"][0];
    assert_eq!(
        pod["containers"][0]["argv"],
        json!(["sh", "-c", "set -e\ngunicorn app:app\n"])
    );
    let finding = &pod["findings"][0];
    let place = ["line", "column", "endLine", "endColumn"].map(|key| finding[key].as_u64());
    assert_eq!(place, [Some(12), Some(7), Some(12), Some(23)]);
    assert_eq!(
        (&finding["code"], &finding["severity"]),
        (&json!("SS101"), &json!("error"))
    );
    assert_eq!(
        pod["patch"],
        json!([{"op": "replace", "path": "/spec/containers/0/command/2", "value": "set -e\nexec gunicorn app:app\n"}])
    );
    assert_eq!(pod.get("diff"), None);
    assert_eq!(
        document["failures"][1],
        json!({"file": "gone.yaml", "line": null, "column": null, "message": "cannot read it"})
    );
    assert_eq!(
        document["summary"],
        json!({"pods": 1, "errors": 1, "warnings": 0, "infos": 0, "repaired": 1, "failures": 2})
    );
}

/// Every field of a value, in lists too.
fn fields(value: &Value, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
        Value::Object(entries) => {
            for (key, value) in entries {
                found.insert(key.clone());
                // The operations of a patch are RFC 6902's.
                if key != "patch" {
                    fields(value, found);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_json_field_is_documented() {
    let page = include_str!("../../docs/check.md");
    let options = Options {
        diff: true,
        ..Options::default()
    };
    let document: Value = serde_json::from_str(&render(Format::Json, options)).expect("JSON");
    let mut found = std::collections::BTreeSet::new();
    fields(&document, &mut found);
    assert!(found.len() > 30, "{found:?}");
    for field in found {
        let named = [
            format!("`{field}`"),
            format!(".{field}`"),
            format!("`{field}[]`"),
            format!(".{field}[]`"),
        ];
        assert!(
            named.iter().any(|name| page.contains(name.as_str())),
            "docs/check.md does not name {field}"
        );
    }
}

#[test]
fn github() {
    assert_eq!(
        render(Format::Github, Options::default()),
        "\
::error file=deploy/a b.yaml,line=3,col=1,title=softstop::no: good
::error file=gone.yaml,title=softstop::cannot read it
::error file=deploy/a b.yaml,line=12,endLine=12,col=7,endColumn=23,title=SS101 shell-swallows-signal::\
the shell is PID 1, 100%25 <sure>\\u{1b}[31m%0AFix: put exec in front of gunicorn
"
    );
}

#[test]
fn junit() {
    let options = |fail_level, pass_repaired| Options {
        fail_level,
        pass_repaired,
        ..Options::default()
    };
    let text = render(Format::Junit, options(Some(Severity::Warning), false));
    assert!(
        text.contains("tests=\"3\" failures=\"1\" errors=\"2\""),
        "{text}"
    );
    assert!(text.contains("<failure type=\"SS101 error\" message=\"the shell is PID 1, 100% &lt;sure&gt;\\u{1b}[31m\">"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    for passing in [options(None, false), options(Some(Severity::Warning), true)] {
        let text = render(Format::Junit, passing);
        assert!(
            text.contains("failures=\"0\"") && text.contains("<system-out>"),
            "{text}"
        );
    }
}

#[test]
fn sarif() {
    let document: Value =
        serde_json::from_str(&render(Format::Sarif, Options::default())).expect("JSON");
    let run = &document["runs"][0];
    let location = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "deploy/a%20b.yaml");
    assert_eq!(
        location["region"],
        json!({"startLine": 12, "startColumn": 7, "endLine": 12, "endColumn": 23})
    );
    assert_eq!(run["results"][0]["level"], "error");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(
        run["invocations"][0]["toolExecutionNotifications"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[test]
fn changes() {
    let options = Options {
        patch: true,
        diff: true,
        ..Options::default()
    };
    let text = render(Format::Concise, options);
    let patch = text
        .split_once("patch for deploy/a b.yaml:1:1: Pod shop/web\n")
        .expect(&text)
        .1;
    let patch = patch.split_once("\n\n").expect(&text).0;
    assert_eq!(
        serde_json::from_str::<Value>(patch).expect("JSON")[0]["op"],
        "replace"
    );
    assert!(
        text.contains("--- deploy/a b.yaml:1:1 Pod shop/web\n+++ with softstop\n@@ "),
        "{text}"
    );
    assert!(
        text.contains("\n+") && text.contains("exec gunicorn app:app"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colour unless asked: {text:?}");
    let colored = render(
        Format::Full,
        Options {
            color: true,
            ..options
        },
    );
    assert!(
        colored.contains("\u{1b}[32m+") && colored.contains("\u{1b}[0m"),
        "{colored:?}"
    );
}
