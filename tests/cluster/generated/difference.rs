//! What softstop may change, and how.

use serde_json::Value;

/// The first difference between the pod without and with softstop that is not softstop's business.
pub(super) fn unexpected(without: &Value, with: &Value) -> Option<String> {
    let mut found = Vec::new();
    compare("", without, with, &mut found);
    found
        .into_iter()
        .find(|difference| !difference.is_expected())
        .map(
            |Difference {
                 pointer,
                 before,
                 after,
             }| {
                format!(
                    "{pointer} changed\nfrom {}\nto   {}",
                    show(before),
                    show(after)
                )
            },
        )
}

struct Difference<'a> {
    pointer: String,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "(absent)".to_owned(), Value::to_string)
}

/// The deepest places that differ. An array whose length differs is one place.
fn compare<'a>(
    pointer: &str,
    before: &'a Value,
    after: &'a Value,
    found: &mut Vec<Difference<'a>>,
) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<_> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => compare(&pointer, a, b, found),
                    (before, after) => found.push(Difference {
                        pointer,
                        before,
                        after,
                    }),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{pointer}/{index}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(Difference {
            pointer: pointer.to_owned(),
            before: Some(a),
            after: Some(b),
        }),
    }
}

impl Difference<'_> {
    fn is_expected(&self) -> bool {
        let parts: Vec<&str> = self.pointer.split('/').skip(1).collect();
        match parts.as_slice() {
            // Its own, also where somebody copied it from another pod.
            ["metadata", "annotations", "softstop.dev~1status"] => self.after.is_some(),
            ["metadata", "annotations"] => {
                self.before.is_none()
                    && self
                        .after
                        .and_then(Value::as_object)
                        .is_some_and(|map| map.keys().all(|key| key == "softstop.dev/status"))
            }
            // Up only.
            ["spec", "terminationGracePeriodSeconds"] => self
                .before
                .and_then(Value::as_i64)
                .zip(self.after.and_then(Value::as_i64))
                .is_some_and(|(a, b)| a < b),
            // One word of the argv, by `exec` alone.
            ["spec", "containers", _, "command" | "args", _] => {
                let text = |value: Option<&Value>| {
                    value
                        .and_then(Value::as_str)
                        .map(|text| text.replace("exec ", ""))
                };
                text(self.before) == text(self.after)
            }
            // Where there was none.
            ["spec", "containers", _, "lifecycle"] => {
                let keys = self
                    .after
                    .and_then(Value::as_object)
                    .map(|map| map.keys().collect::<Vec<_>>());
                self.before.is_none() && keys.is_some_and(|keys| keys == ["preStop"])
            }
            ["spec", "containers", _, "lifecycle", "preStop"] => self.before.is_none(),
            // More, and what was there in the same order.
            ["spec", "volumes"] | ["spec", "containers", _, "env" | "volumeMounts"] => {
                self.only_adds()
            }
            _ => false,
        }
    }

    fn only_adds(&self) -> bool {
        let list =
            |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        let mut after = list(self.after).into_iter();
        self.after.is_some()
            && list(self.before)
                .iter()
                .all(|item| after.any(|other| other == *item))
    }
}

/// The guard itself: it lets softstop's changes pass, and nothing else.
#[test]
fn only_softstops_own_changes_are_expected() {
    use serde_json::json;

    let before = json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"terminationGracePeriodSeconds": 30, "containers": [{
            "name": "c", "command": ["sh", "-c", "app"], "env": [{"name": "A"}, {"name": "B"}], "ports": []}]}});
    let after = |pointer: &str, key: &str, value: Value| {
        let mut pod = before.clone();
        pod.pointer_mut(pointer).unwrap()[key] = value;
        unexpected(&before, &pod).is_none()
    };
    let container = "/spec/containers/0";
    assert!(after(
        "/metadata/annotations",
        "softstop.dev/status",
        json!("x")
    ));
    assert!(!after("/metadata/annotations", "other", json!("x")));
    assert!(after("/spec", "terminationGracePeriodSeconds", json!(35)));
    assert!(!after("/spec", "terminationGracePeriodSeconds", json!(29)));
    assert!(!after("/spec", "hostPID", json!(true)));
    assert!(after(container, "command", json!(["sh", "-c", "exec app"])));
    assert!(!after(
        container,
        "command",
        json!(["sh", "-c", "exec other"])
    ));
    assert!(!after(container, "command", json!(["app"])));
    assert!(after(
        container,
        "env",
        json!([{"name": "A"}, {"name": "B"}, {"name": "C"}])
    ));
    assert!(!after(
        container,
        "env",
        json!([{"name": "B"}, {"name": "A"}, {"name": "C"}])
    ));
    assert!(after(
        container,
        "lifecycle",
        json!({"preStop": {"sleep": {"seconds": 5}}})
    ));
    assert!(!after(container, "lifecycle", json!({"postStart": {}})));
    assert!(!after(container, "image", json!("other")));
}
