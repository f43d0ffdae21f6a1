//! Pods compared.

use std::collections::BTreeSet;

use serde_json::Value;

/// The pod without what the API server makes up anew for each: names, identities, times, the random suffix of the service account's
/// volume, and the order of volumes, which means nothing.
pub(crate) fn normal(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let metadata = pod["metadata"].as_object_mut().expect("metadata");
    let made_up: BTreeSet<&str> = [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
    ]
    .into();
    metadata.retain(|key, _| !made_up.contains(key.as_str()));
    pod.as_object_mut().expect("a pod").remove("status");
    let spec = &mut pod["spec"];
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            for mount in container["volumeMounts"]
                .as_array_mut()
                .into_iter()
                .flatten()
            {
                without_suffix(&mut mount["name"]);
            }
            sort(&mut container["volumeMounts"], "mountPath");
        }
    }
    for volume in spec["volumes"].as_array_mut().into_iter().flatten() {
        without_suffix(&mut volume["name"]);
    }
    sort(&mut spec["volumes"], "name");
    pod
}

fn without_suffix(name: &mut Value) {
    if name
        .as_str()
        .is_some_and(|name| name.starts_with("kube-api-access-"))
    {
        *name = "kube-api-access".into();
    }
}

fn sort(list: &mut Value, key: &str) {
    if let Some(list) = list.as_array_mut() {
        list.sort_by_key(|item| item[key].as_str().unwrap_or_default().to_owned());
    }
}
