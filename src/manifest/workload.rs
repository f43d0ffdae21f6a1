//! The pods of a document: those that are written, and those that a controller would make of its template.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::defaults;

/// A pod of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    /// The kind of the object it stands in: `Deployment`.
    pub kind: String,
    /// The object's name, or its `generateName`.
    pub name: String,
    /// The namespace, where the object says it.
    pub namespace: Option<String>,
    /// JSON pointer to the object in the document; `""` where it is the document.
    pub object: String,
    /// JSON pointer to the pod or its template in the document: `/spec/template`.
    pub base: String,
    /// The pod as the API server would send it to the webhook.
    pub value: Value,
}

/// Kinds with a pod template: API group, kind, where the template is, and the kind of the pod's controller with its
/// API version.
const TEMPLATES: [(&str, &str, &str, &str, &str); 9] = [
    (
        "apps",
        "Deployment",
        "/spec/template",
        "apps/v1",
        "ReplicaSet",
    ),
    (
        "apps",
        "StatefulSet",
        "/spec/template",
        "apps/v1",
        "StatefulSet",
    ),
    (
        "apps",
        "DaemonSet",
        "/spec/template",
        "apps/v1",
        "DaemonSet",
    ),
    (
        "apps",
        "ReplicaSet",
        "/spec/template",
        "apps/v1",
        "ReplicaSet",
    ),
    (
        "",
        "ReplicationController",
        "/spec/template",
        "v1",
        "ReplicationController",
    ),
    ("batch", "Job", "/spec/template", "batch/v1", "Job"),
    (
        "batch",
        "CronJob",
        "/spec/jobTemplate/spec/template",
        "batch/v1",
        "Job",
    ),
    ("", "PodTemplate", "/template", "", ""),
    ("", "Pod", "", "", ""),
];

/// Every pod of a document. What is not a workload of Kubernetes' own has none.
pub fn pods(document: &Value) -> Vec<Pod> {
    let mut found = Vec::new();
    collect(document, "", None, &mut found);
    found
}

fn collect(object: &Value, base: &str, namespace: Option<&str>, found: &mut Vec<Pod>) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let (Some(version), Some(kind)) = (text("/apiVersion"), text("/kind")) else {
        return;
    };
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if group == "admission.k8s.io" && kind == "AdmissionReview" {
        if let Some(inner) = object.pointer("/request/object") {
            let namespace = text("/request/namespace").or(namespace);
            collect(inner, &format!("{base}/request/object"), namespace, found);
        }
    } else if kind.ends_with("List") {
        for (index, item) in object
            .get("items")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            // Items of a PodList and its like need not repeat what the list says.
            let item = with_kind(item, version, kind.trim_end_matches("List"));
            collect(&item, &format!("{base}/items/{index}"), namespace, found);
        }
    } else if let Some(row) = TEMPLATES.iter().find(|row| row.0 == group && row.1 == kind) {
        let (_, _, template, owner_version, owner) = *row;
        let Some(Value::Object(written)) = object.pointer(template) else {
            return;
        };
        let name = text("/metadata/name")
            .or_else(|| text("/metadata/generateName"))
            .unwrap_or_default();
        let namespace = text("/metadata/namespace").or(namespace);
        let mut pod = written.clone();
        if kind != "Pod" {
            become_pod(&mut pod, name, namespace, (owner_version, owner));
        }
        defaults::apply(&mut pod);
        found.push(Pod {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            object: base.to_owned(),
            base: format!("{base}{template}"),
            value: Value::Object(pod),
        });
    }
}

/// An item of a list with the `apiVersion` and `kind` that its list gives it.
fn with_kind<'i>(item: &'i Value, version: &str, kind: &str) -> Cow<'i, Value> {
    let missing = |field| item.get(field).is_none();
    match item {
        Value::Object(fields) if !kind.is_empty() && (missing("apiVersion") || missing("kind")) => {
            let mut fields = fields.clone();
            fields.entry("apiVersion").or_insert_with(|| json!(version));
            fields.entry("kind").or_insert_with(|| json!(kind));
            Cow::Owned(Value::Object(fields))
        }
        _ => Cow::Borrowed(item),
    }
}

/// A template becomes the pod that its controller would ask for (`GetPodFromTemplate` of kube-controller-manager):
/// of the template's metadata only labels, annotations and finalizers count. The hash that a Deployment puts into
/// the names of its replica sets cannot be known, so the owner carries the workload's own name.
fn become_pod(
    pod: &mut Map<String, Value>,
    name: &str,
    namespace: Option<&str>,
    owner: (&str, &str),
) {
    let template = pod.remove("metadata");
    let mut metadata = Map::new();
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.as_ref().and_then(|template| template.get(field)) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    metadata.insert("generateName".to_owned(), json!(format!("{name}-")));
    if let Some(namespace) = namespace {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    let (version, kind) = owner;
    if !kind.is_empty() {
        let owner = json!({
            "apiVersion": version, "kind": kind, "name": name, "controller": true, "blockOwnerDeletion": true,
        });
        metadata.insert("ownerReferences".to_owned(), json!([owner]));
    }
    pod.insert("metadata".to_owned(), Value::Object(metadata));
    pod.insert("apiVersion".to_owned(), json!("v1"));
    pod.insert("kind".to_owned(), json!("Pod"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Value {
        json!({"metadata": {"name": "ignored", "labels": {"app": "a"}}, "spec": {"containers": [{"name": "c"}]}})
    }

    #[test]
    fn every_workload_has_its_pod() {
        let spec = json!({"template": template()});
        for (version, kind, object, base, owner) in [
            (
                "apps/v1",
                "Deployment",
                json!({"spec": spec}),
                "/spec/template",
                "ReplicaSet",
            ),
            (
                "apps/v1",
                "StatefulSet",
                json!({"spec": spec}),
                "/spec/template",
                "StatefulSet",
            ),
            (
                "apps/v1",
                "DaemonSet",
                json!({"spec": spec}),
                "/spec/template",
                "DaemonSet",
            ),
            (
                "apps/v1",
                "ReplicaSet",
                json!({"spec": spec}),
                "/spec/template",
                "ReplicaSet",
            ),
            (
                "v1",
                "ReplicationController",
                json!({"spec": spec}),
                "/spec/template",
                "ReplicationController",
            ),
            (
                "batch/v1",
                "Job",
                json!({"spec": spec}),
                "/spec/template",
                "Job",
            ),
            (
                "batch/v1",
                "CronJob",
                json!({"spec": {"jobTemplate": {"spec": spec}}}),
                "/spec/jobTemplate/spec/template",
                "Job",
            ),
            ("v1", "PodTemplate", spec.clone(), "/template", ""),
        ] {
            let mut object = object;
            object["apiVersion"] = json!(version);
            object["kind"] = json!(kind);
            object["metadata"] = json!({"name": "w", "namespace": "n"});
            let found = pods(&object);
            assert_eq!(found.len(), 1, "{kind}");
            let pod = &found[0];
            assert_eq!(
                (
                    pod.base.as_str(),
                    pod.name.as_str(),
                    pod.namespace.as_deref()
                ),
                (base, "w", Some("n"))
            );
            let metadata = &pod.value["metadata"];
            assert_eq!(pod.value["kind"], "Pod");
            assert_eq!(metadata["generateName"], "w-");
            assert_eq!(metadata["namespace"], "n");
            assert_eq!(metadata["labels"]["app"], "a");
            assert_eq!(metadata.get("name"), None);
            assert_eq!(
                metadata
                    .pointer("/ownerReferences/0/kind")
                    .and_then(Value::as_str)
                    .unwrap_or(""),
                owner
            );
            assert_eq!(pod.value["spec"]["terminationGracePeriodSeconds"], 30);
        }
    }

    #[test]
    fn lists_and_reviews_are_opened() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"}, "spec": {}});
        let bare = json!({"metadata": {"name": "q"}, "spec": {}});
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "PodList", "items": [bare]}, {"apiVersion": "v1", "kind": "Service"}, pod]});
        let bases = |value: &Value| {
            pods(value)
                .into_iter()
                .map(|pod| (pod.base, pod.name))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            bases(&list),
            [
                ("/items/0/items/0".to_owned(), "q".to_owned()),
                ("/items/2".to_owned(), "p-".to_owned())
            ]
        );
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"namespace": "n", "object": pod}});
        let found = pods(&review);
        assert_eq!(
            (found[0].base.as_str(), found[0].namespace.as_deref()),
            ("/request/object", Some("n"))
        );
        assert_eq!(
            found[0].value["metadata"], pod["metadata"],
            "a pod stays as it is written"
        );
    }

    #[test]
    fn what_is_no_workload_has_no_pod() {
        for object in [
            json!(null),
            json!([1]),
            json!({"kind": "Pod"}),
            json!({"apiVersion": "v1", "kind": "Service", "spec": {"template": template()}}),
            json!({"apiVersion": "serving.knative.dev/v1", "kind": "Deployment", "spec": {"template": template()}}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3}}),
            json!({"apiVersion": "v1", "kind": "List", "items": {"a": 1}}),
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {}}),
        ] {
            assert_eq!(pods(&object), [], "{object}");
        }
    }
}
