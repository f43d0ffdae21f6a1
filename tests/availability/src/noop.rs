//! The webhook that softstop is compared with, on the node: in the same way, as many replicas, the same resources.

use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use softstop_rig::{Authority, Image, Node, static_program};

use crate::{NAMESPACE, PATIENCE};

const NAME: &str = "noop";
const IMAGE: &str = "localhost/softstop-noop:1";

/// Two webhooks of one Deployment: one for the pods of each namespace.
pub(crate) struct Noop<'a> {
    /// Where pods are looked at only.
    pub(crate) looks: &'a str,
    /// Where each gets this patch.
    pub(crate) patches: &'a str,
    /// What it is.
    pub(crate) patch: &'a Value,
}

impl Noop<'_> {
    /// Installs it beside softstop, and as softstop is.
    pub(crate) fn install(&self, node: &Node) -> anyhow::Result<()> {
        let program = static_program("softstop-rig", "softstop-noop")?;
        let image = Image::new(IMAGE)
            .program(&program, "/noop")?
            .entrypoint(["/noop"]);
        node.import(&image)?;
        node.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}}))?;
        node.wait_account(NAME, PATIENCE)?;
        let authority = Authority::new(NAME)?;
        let softstop = get(node, "deployment")?;
        node.apply(&self.deployment(&softstop, &authority)?)?;
        node.apply(
            &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME, "namespace": NAME},
            "spec": {"selector": {"app": NAME}, "ports": [{"port": 443, "targetPort": 8443}]}}),
        )?;
        node.kubectl_ok(["rollout", "status", "deployment/noop", "-n", NAME])?;
        let registered = get(node, "mutatingwebhookconfiguration")?;
        node.apply(&self.configuration(&registered["webhooks"][0], &authority))?;
        // The API server learns of it a moment later.
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    }

    fn deployment(&self, softstop: &Value, authority: &Authority) -> anyhow::Result<Value> {
        let pair = authority.serving_also(&[&format!("{NAME}.{NAME}.svc")])?;
        let spec = &softstop["spec"];
        let labels = json!({"app": NAME});
        let patch = STANDARD.encode(self.patch.to_string());
        Ok(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME, "namespace": NAME},
            "spec": {"replicas": spec["replicas"], "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": NAME, "image": IMAGE, "imagePullPolicy": "Never",
                    "resources": spec["template"]["spec"]["containers"][0]["resources"],
                    "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 2},
                    "env": [
                        {"name": "NOOP_CERTIFICATE", "value": pair.cert.pem()},
                        {"name": "NOOP_KEY", "value": pair.signing_key.serialize_pem()},
                        {"name": "NOOP_PATCH", "value": patch},
                    ],
                }]},
            }},
        }))
    }

    /// Registered with all that softstop is registered with, but for whom to ask and where.
    fn configuration(&self, softstop: &Value, authority: &Authority) -> Value {
        let webhook = |namespace: &str, path: &str| {
            let mut webhook = softstop.clone();
            webhook["name"] = format!("{namespace}.softstop.dev").into();
            webhook["namespaceSelector"] =
                json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
            webhook["clientConfig"] = json!({
                "service": {"name": NAME, "namespace": NAME, "path": path, "port": 443},
                "caBundle": STANDARD.encode(authority.pem()),
            });
            webhook
        };
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": NAME},
            "webhooks": [webhook(self.looks, "/"), webhook(self.patches, "/patch")],
        })
    }
}

/// An object of softstop's that has its name.
fn get(node: &Node, kind: &str) -> anyhow::Result<Value> {
    node.get(kind, NAMESPACE, "softstop")?
        .with_context(|| format!("softstop has no {kind}"))
}
