//! Read-only views over a pod as JSON. A field of the wrong type reads as absent.

use serde_json::Value;

/// The annotation the kubelet puts on the API server's copy of a static pod.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// `terminationGracePeriodSeconds` where the pod does not say (`core/v1` `PodSpec`).
const DEFAULT_GRACE: u64 = 30;

/// A pod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PodView<'a>(pub(crate) &'a Value);

impl<'a> PodView<'a> {
    pub(crate) fn spec(self, field: &str) -> Option<&'a Value> {
        present(self.0.get("spec")?.get(field)?)
    }

    pub(crate) fn metadata(self, field: &str) -> Option<&'a Value> {
        present(self.0.get("metadata")?.get(field)?)
    }

    pub(crate) fn label(self, key: &str) -> Option<&'a str> {
        self.metadata("labels")?.get(key)?.as_str()
    }

    /// Every annotation that is a string, in the order of the keys.
    pub(crate) fn annotations(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.metadata("annotations")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// Seconds. A negative one is stored as 1 by the API server (measured with 1.37).
    pub(crate) fn grace(self) -> u64 {
        match self
            .spec("terminationGracePeriodSeconds")
            .map(Value::as_i64)
        {
            Some(Some(seconds)) => u64::try_from(seconds).unwrap_or(1),
            _ => DEFAULT_GRACE,
        }
    }

    pub(crate) fn containers(self) -> impl Iterator<Item = ContainerView<'a>> {
        self.list("containers")
    }

    pub(crate) fn init_containers(self) -> impl Iterator<Item = ContainerView<'a>> {
        self.list("initContainers")
    }

    fn list(self, field: &'static str) -> impl Iterator<Item = ContainerView<'a>> {
        items(self.spec(field))
            .enumerate()
            .map(move |(index, value)| ContainerView {
                value,
                field,
                index,
            })
    }

    pub(crate) fn volumes(self) -> impl Iterator<Item = &'a Value> {
        items(self.spec("volumes"))
    }

    pub(crate) fn flag(self, field: &str) -> bool {
        self.spec(field).and_then(Value::as_bool) == Some(true)
    }

    /// The kubelet's copy of a static pod: changing it makes the kubelet recreate it for ever.
    pub(crate) fn is_mirror(self) -> bool {
        self.metadata("annotations")
            .is_some_and(|a| a.get(MIRROR).is_some())
    }

    pub(crate) fn is_windows(self) -> bool {
        let os = self
            .spec("os")
            .and_then(|os| os.get("name"))
            .and_then(Value::as_str);
        let selected = self
            .spec("nodeSelector")
            .and_then(|s| s.get("kubernetes.io/os"))
            .and_then(Value::as_str);
        os.or(selected) == Some("windows")
    }

    pub(crate) fn is_job(self) -> bool {
        items(self.metadata("ownerReferences"))
            .any(|owner| owner.get("kind").and_then(Value::as_str) == Some("Job"))
    }

    /// PID 1 of the containers is not their own program: the pause process, or the host's init.
    pub(crate) fn shares_pid_namespace(self) -> bool {
        self.flag("hostPID") || self.flag("shareProcessNamespace")
    }

    /// The effective security context value: the container's, else the pod's.
    pub(crate) fn security(self, container: ContainerView<'a>, field: &str) -> Option<&'a Value> {
        let own = container.get("securityContext").and_then(|c| c.get(field));
        let pods = || self.spec("securityContext").and_then(|c| c.get(field));
        present(own.or_else(pods)?)
    }
}

/// A container of a pod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContainerView<'a> {
    value: &'a Value,
    field: &'static str,
    index: usize,
}

impl<'a> ContainerView<'a> {
    pub(crate) fn get(self, field: &str) -> Option<&'a Value> {
        present(self.value.get(field)?)
    }

    pub(crate) fn text(self, field: &str) -> Option<&'a str> {
        self.get(field)?.as_str()
    }

    pub(crate) fn name(self) -> &'a str {
        self.text("name").unwrap_or_default()
    }

    /// JSON pointer into the pod.
    pub(crate) fn pointer(self) -> String {
        format!("/spec/{}/{}", self.field, self.index)
    }

    /// A list of strings (`command`, `args`); `None` where absent or empty, as Kubernetes treats the two alike.
    pub(crate) fn words(self, field: &str) -> Option<Vec<&'a str>> {
        let words: Vec<_> = items(self.get(field)).filter_map(Value::as_str).collect();
        (!words.is_empty()).then_some(words)
    }

    pub(crate) fn list(self, field: &str) -> impl Iterator<Item = &'a Value> {
        items(self.get(field))
    }

    pub(crate) fn pre_stop(self) -> Option<&'a Value> {
        present(self.get("lifecycle")?.get("preStop")?)
    }
}

/// JSON `null` counts as absent, as it does for the API server.
fn present(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

pub(crate) fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// One token of a JSON pointer, escaped (RFC 6901).
pub(crate) fn token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
