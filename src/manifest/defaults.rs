//! What the API server makes of a pod before the webhook sees it, as far as a plan depends on it.
//!
//! The API server decodes the pod into its own type, fills in the defaults and encodes it again; only then are the
//! webhooks asked. For `check` to give the very patch of the webhook, the same is done here:
//!
//! | written | as the webhook sees it | a plan reads it for |
//! |---|---|---|
//! | `spec.terminationGracePeriodSeconds` absent | `30` | the grace; the patch replaces it |
//! | `spec.terminationGracePeriodSeconds` negative | the same (`1` only once it is stored) | |
//! | `spec.restartPolicy` absent | `Always` | nothing yet; every real pod has it |
//! | a field that is `null` | absent | whether parents must be created |
//! | an empty list | absent | likewise: `add .../volumes/-` needs a list |
//! | an empty `metadata.labels` or `metadata.annotations` | absent | likewise |
//!
//! Other defaults (`imagePullPolicy`, probe periods, the service account's volume, ...) say nothing about stopping.

use serde_json::{Map, Value, json};

/// Makes of a pod as written the pod as the webhook would be sent it.
pub(super) fn apply(pod: &mut Map<String, Value>) {
    pod.iter_mut().for_each(|(_, value)| drop_absent(value));
    pod.retain(|_, value| is_present(value));
    if let Some(Value::Object(metadata)) = pod.get_mut("metadata") {
        for field in ["labels", "annotations"] {
            if metadata.get(field) == Some(&json!({})) {
                metadata.remove(field);
            }
        }
    }
    if let Some(Value::Object(spec)) = pod.get_mut("spec") {
        spec.entry("terminationGracePeriodSeconds")
            .or_insert_with(|| json!(30));
        spec.entry("restartPolicy")
            .or_insert_with(|| json!("Always"));
    }
}

/// `null` and empty lists are left out of what the API server encodes; items of a list stay where they are.
fn drop_absent(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(_, value)| drop_absent(value));
            fields.retain(|_, value| is_present(value));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_absent),
        _ => {}
    }
}

fn is_present(value: &Value) -> bool {
    !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaulted(pod: Value) -> Value {
        let Value::Object(mut pod) = pod else {
            panic!("an object")
        };
        apply(&mut pod);
        Value::Object(pod)
    }

    #[test]
    fn absent_fields_are_filled_and_empty_ones_left_out() {
        let pod = json!({
            "metadata": {"labels": {}, "annotations": {}, "name": "p"},
            "spec": {"containers": [{"name": "c", "command": null, "args": [], "lifecycle": {"preStop": null}}, null],
                     "volumes": [], "securityContext": {}},
        });
        assert_eq!(
            defaulted(pod),
            json!({
                "metadata": {"name": "p"},
                "spec": {"containers": [{"name": "c", "lifecycle": {}}, null], "securityContext": {},
                         "terminationGracePeriodSeconds": 30, "restartPolicy": "Always"},
            })
        );
    }

    #[test]
    fn what_is_written_stays() {
        let pod =
            json!({"spec": {"terminationGracePeriodSeconds": 0, "restartPolicy": "OnFailure"}});
        assert_eq!(defaulted(pod.clone()), pod);
    }
}
