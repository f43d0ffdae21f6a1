//! HTTP errors, as JSON that says what to do.

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::admission::ReviewError;

/// Why a request gets an HTTP error instead of an `AdmissionReview`.
#[derive(Debug)]
pub(super) enum Problem {
    /// Another path.
    NotFound,
    /// Another method.
    Method,
    /// Another content type.
    ContentType,
    /// The body is larger than this many bytes.
    TooLarge(usize),
    /// The body ended before its time, or took too long.
    Body(&'static str),
    /// The body is no `AdmissionReview`.
    Review(ReviewError),
    /// Too much to do.
    Busy,
}

impl Problem {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(_) | Self::Review(_) => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error(&self) -> String {
        match self {
            Self::NotFound => "there is nothing at this path".into(),
            Self::Method => "only POST is answered here".into(),
            Self::ContentType => "the content type is not application/json".into(),
            Self::TooLarge(limit) => format!("the body is larger than {limit} bytes"),
            Self::Body(what) => (*what).into(),
            Self::Review(error) => error.to_string(),
            Self::Busy => "too many reviews are waiting".into(),
        }
    }

    const fn hint(&self) -> &'static str {
        match self {
            Self::NotFound => {
                "admission requests go to /mutate or /validate: set `clientConfig.service.path` in the \
                 webhook configuration; /live, /ready and /metrics are on the admin port (plain HTTP)"
            }
            Self::Method | Self::ContentType => {
                "POST an AdmissionReview with `Content-Type: application/json`; to try one by hand: `softstop review FILE`"
            }
            Self::TooLarge(_) => {
                "no pod is that large: the API server takes requests of at most 3 MiB"
            }
            Self::Body(_) => "send the whole body, uncompressed, within the timeout",
            Self::Review(_) => {
                "POST an AdmissionReview of admission.k8s.io/v1; to try one by hand: `softstop review FILE`"
            }
            Self::Busy => {
                "try again in a second, at another replica; run more replicas if this goes on"
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error(), "hint": self.hint() });
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut response = (self.status(), [json], body.to_string()).into_response();
        let headers = response.headers_mut();
        match self {
            // The API server retries whatever carries Retry-After, until the webhook's timeout is used up (measured).
            // So only here, and on a new connection, which may lead to another replica.
            Self::Busy => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            // The rest of the body is still on its way.
            Self::TooLarge(_) | Self::Body(_) => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            _ => {}
        }
        response
    }
}
