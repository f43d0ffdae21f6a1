//! What the cluster keeps of a site's certificates, seen and spoilt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use serde_json::{Value, json};

use super::site::Site;

pub(super) const CONFIGURATIONS: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
pub(super) const VALIDATING: &str =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

impl Site {
    fn secret_path(&self) -> String {
        format!("/api/v1/namespaces/{0}/secrets/{0}", self.name)
    }

    /// The Secret, if it is there.
    pub(super) async fn secret(&self) -> Option<Value> {
        self.send(Method::GET, &self.secret_path(), &Value::Null)
            .await
            .ok()
    }

    /// How many CAs are in the Secret.
    pub(super) async fn authorities(&self) -> usize {
        let secret = self.secret().await.unwrap();
        let pem = secret["data"]["authorities.pem"].as_str().unwrap();
        count(&STANDARD.decode(pem).unwrap())
    }

    pub(super) async fn delete_secret(&self) {
        self.send(Method::DELETE, &self.secret_path(), &json!({}))
            .await
            .unwrap();
    }

    pub(super) async fn restore_secret(&self, backup: &Value) {
        let change = json!({"data": backup["data"]});
        self.send(Method::PATCH, &self.secret_path(), &change)
            .await
            .unwrap();
    }

    pub(super) async fn webhooks(&self) -> Value {
        let path = format!("{CONFIGURATIONS}/{}", self.name);
        self.send(Method::GET, &path, &Value::Null).await.unwrap()["webhooks"].take()
    }

    pub(super) async fn restore_webhooks(&self, webhooks: &Value) {
        let path = format!("{CONFIGURATIONS}/{}", self.name);
        self.send(Method::PATCH, &path, &json!({"webhooks": webhooks}))
            .await
            .unwrap();
    }

    /// How many CAs each `caBundle` holds: those of the replicas, then the validating one. The stranger's stays as it was.
    pub(super) async fn bundles(&self) -> Vec<usize> {
        let mut webhooks = self.webhooks().await;
        let webhooks = webhooks.as_array_mut().unwrap();
        let stranger = webhooks.pop().unwrap();
        assert_eq!(stranger["clientConfig"].get("caBundle"), None, "not ours");
        let path = format!("{VALIDATING}/{}", self.name);
        let mut validating = self.send(Method::GET, &path, &Value::Null).await.unwrap();
        webhooks.push(validating["webhooks"][0].take());
        let bundle = |webhook: &Value| {
            let bundle = webhook["clientConfig"]["caBundle"].as_str();
            count(&STANDARD.decode(bundle.unwrap_or_default()).unwrap())
        };
        webhooks.iter().map(bundle).collect()
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> kube::Result<Value> {
        let content = if method == Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", content)
            .body(body)
            .unwrap();
        self.client.request(request).await
    }
}

fn count(pem: &[u8]) -> usize {
    String::from_utf8_lossy(pem)
        .matches("BEGIN CERTIFICATE")
        .count()
}
