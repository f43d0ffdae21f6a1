//! softstop-init in a pod: where it stands, and how it is recognised there.
//!
//! One volume per pod, mounted read-only where a container needs it; with the delivery `emptydir`, one init container
//! fills it. All of it carries one name. It is recognised by its structure, so that a pod that went through before, or
//! a copy of it, is not given a second one.

use serde_json::{Value, json};

use crate::pod::{ContainerView, PodView};
use crate::{Delivery, Injection};

/// The name of the volume and of the init container.
pub(crate) const NAME: &str = "softstop-init";

/// Where the volume is mounted: a folder that no image has.
const FOLDER: &str = "/.softstop";

/// The program inside of a container.
pub(crate) const PROGRAM: &str = "/.softstop/softstop-init";

/// The program inside of softstop's own image.
const IN_IMAGE: &str = "/softstop-init";

/// The largest it may grow: room for the program of any architecture.
const SIZE_LIMIT: &str = "1Mi";

/// Something that is not softstop's stands where softstop-init would go.
pub(crate) fn is_taken(pod: PodView<'_>, container: ContainerView<'_>) -> bool {
    let foreign_volume = pod
        .volumes()
        .any(|volume| is_named(volume) && !is_own_volume(volume));
    let foreign_container = pod
        .init_containers()
        .any(|init| init.name() == NAME && !is_own_container(init))
        || pod.containers().any(|container| container.name() == NAME);
    let foreign_mount = container.list("volumeMounts").any(|mount| {
        let path = text(mount, "mountPath").trim_end_matches('/');
        path == FOLDER && !is_named(mount)
    });
    foreign_volume || foreign_container || foreign_mount
}

pub(crate) fn has_volume(pod: PodView<'_>) -> bool {
    pod.volumes().any(is_named)
}

pub(crate) fn has_container(pod: PodView<'_>) -> bool {
    pod.init_containers()
        .any(|container| container.name() == NAME)
}

pub(crate) fn has_mount(container: ContainerView<'_>) -> bool {
    container.list("volumeMounts").any(is_named)
}

/// The volume. In memory, because a node's disk may be mounted without execution; small, because it counts against
/// the pod's memory.
pub(crate) fn volume(injection: &Injection) -> Value {
    match injection.delivery {
        Delivery::EmptyDir => {
            json!({ "name": NAME, "emptyDir": { "medium": "Memory", "sizeLimit": SIZE_LIMIT } })
        }
        Delivery::ImageVolume => {
            json!({ "name": NAME, "image": { "reference": injection.image, "pullPolicy": "IfNotPresent" } })
        }
    }
}

pub(crate) fn mount() -> Value {
    json!({ "name": NAME, "mountPath": FOLDER, "readOnly": true })
}

/// The container that copies the program into the volume. It satisfies the restricted Pod Security Standard by
/// itself, whatever the pod says; requests equal limits, so that a Guaranteed pod stays one, and a quota or `LimitRange`
/// finds what it asks for.
pub(crate) fn container(injection: &Injection) -> Value {
    let resources = json!({ "cpu": injection.cpu, "memory": injection.memory });
    json!({
        "name": NAME,
        "image": injection.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [IN_IMAGE, "copy", PROGRAM],
        "resources": { "requests": resources, "limits": resources },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "volumeMounts": [{ "name": NAME, "mountPath": FOLDER }],
    })
}

fn is_own_volume(volume: &Value) -> bool {
    let medium = volume.get("emptyDir").map(|dir| text(dir, "medium"));
    medium == Some("Memory") || volume.get("image").is_some_and(|image| !image.is_null())
}

fn is_own_container(container: ContainerView<'_>) -> bool {
    container
        .words("command")
        .is_some_and(|command| command == [IN_IMAGE, "copy", PROGRAM])
}

fn is_named(value: &Value) -> bool {
    text(value, "name") == NAME
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
