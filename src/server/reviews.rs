//! `POST /mutate` and `POST /validate`: read the body, plan within the deadline, answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request};
use tokio::time::{Instant, timeout_at};
use tracing::instrument::WithSubscriber as _;
use tracing::{debug, info, warn};

use super::limits::{Gate, Limits};
use super::memory::{Held, Memory};
use super::problem::Problem;
use crate::admission::{Hook, Outcome, Review, Reviewed, Reviewer};
use crate::telemetry::Metrics;

/// What the handler works with.
#[derive(Debug)]
pub struct App {
    reviewer: Arc<Reviewer>,
    metrics: Arc<Metrics>,
    limits: Limits,
    gate: Gate,
    memory: Memory,
}

impl App {
    /// Puts the parts together.
    pub fn new(reviewer: Arc<Reviewer>, metrics: Arc<Metrics>, limits: Limits) -> Arc<Self> {
        let gate = Gate::new(limits.planning);
        let memory = Memory::new(&limits);
        Arc::new(Self {
            reviewer,
            metrics,
            limits,
            gate,
            memory,
        })
    }

    /// The bounds it keeps.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(super) fn refuse(&self, problem: Problem) -> Response {
        self.metrics.rejected(problem.status().as_u16());
        debug!(status = problem.status().as_u16(), "refused a request");
        problem.into_response()
    }

    /// Plans when it is this review's turn.
    async fn review(
        &self,
        hook: Hook,
        review: Review,
        held: Held,
        deadline: Instant,
    ) -> Result<Reviewed, Problem> {
        // A namespace that is still unknown when the time is up is what the reviewer answers about.
        let _ = timeout_at(deadline, self.reviewer.prepare(&review)).await;
        let weight = review.weight();
        if weight > self.limits.trees {
            return Ok(Reviewed::too_heavy(review.subject()));
        }
        if weight <= LIGHT * self.limits.on_the_spot {
            let _slot = self.gate.enter(deadline).await.ok_or(Problem::Busy)?;
            return Ok(self.reviewer.review(hook, &review));
        }
        let tree = self.memory.tree(weight, deadline).await?;
        let slot = self.gate.enter(deadline).await.ok_or(Problem::Busy)?;
        let subject = review.subject();
        let reviewer = Arc::clone(&self.reviewer);
        let planning = tokio::task::spawn_blocking(move || {
            let answered = reviewer.review(hook, &review);
            // What outlives its deadline still takes up its place and its memory until it ends.
            drop((review, slot, held, tree));
            answered
        });
        match timeout_at(deadline, planning).await {
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(_)) => Ok(Reviewed::panicked(subject)),
            Err(_) => Ok(Reviewed::timed_out(subject)),
        }
    }
}

/// A review weighs about forty times its text. One that is planned on the spot may weigh so many times the text that may be.
const LIGHT: usize = 32;

/// Handles `POST /mutate`.
pub(super) async fn mutate(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    handle(&app, Hook::Mutate, request).await
}

/// Handles `POST /validate`.
pub(super) async fn validate(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    handle(&app, Hook::Validate, request).await
}

async fn handle(app: &App, hook: Hook, request: Request<Body>) -> Response {
    let started = Instant::now();
    match answer(app, hook, request, started).await {
        Ok(reviewed) => {
            let took = started.elapsed();
            app.metrics.review(hook, &reviewed, took);
            let answer = reviewed.answer.to_json();
            // When the answer is on its way: a line wakes up whoever reads the log, and that may be for this processor.
            tokio::spawn(async move { log(hook, &reviewed, took) }.with_current_subscriber());
            (
                [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                answer,
            )
                .into_response()
        }
        Err(problem) => app.refuse(problem),
    }
}

async fn answer(
    app: &App,
    hook: Hook,
    request: Request<Body>,
    started: Instant,
) -> Result<Reviewed, Problem> {
    let (Parts { headers, uri, .. }, body) = request.into_parts();
    let deadline = started + app.limits.time(uri.query());
    if !is_json(&headers) {
        return Err(Problem::ContentType);
    }
    let read = app.memory.read(body, &app.limits, deadline);
    let (body, held) = timeout_at(deadline, read)
        .await
        .unwrap_or(Err(Problem::Body("the body took longer than the timeout")))?;
    let review = Review::parse(&body).map_err(Problem::Review)?;
    drop(body);
    app.review(hook, review, held, deadline).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// One line per review.
fn log(hook: Hook, reviewed: &Reviewed, took: Duration) {
    let Reviewed {
        outcome,
        subject,
        mode,
        verdicts,
        findings,
        ..
    } = reviewed;
    // Each once: a pod may have a thousand containers.
    let verdicts: BTreeSet<_> = verdicts
        .iter()
        .map(|(verdict, reason)| format!("{}:{reason}", verdict.as_str()))
        .collect();
    let codes: BTreeSet<_> = findings.iter().map(|(code, _)| code.0).collect();
    let trouble = matches!(
        outcome,
        Outcome::Unreadable
            | Outcome::NamespaceUnknown
            | Outcome::Doubted
            | Outcome::Panicked
            | Outcome::TimedOut
    );
    macro_rules! line {
        ($level:ident) => {
            $level!(
                hook = hook.as_str(),
                namespace = shortened(&subject.namespace),
                name = shortened(&subject.name),
                uid = shortened(&subject.uid),
                mode = mode.map_or("none", softstop_core::Mode::as_str),
                outcome = outcome.as_str(),
                verdicts = Vec::from_iter(verdicts).join(","),
                findings = Vec::from_iter(codes).join(","),
                micros = took.as_micros(),
                "reviewed"
            )
        };
    }
    if trouble { line!(warn) } else { line!(info) }
}

/// The longest name that Kubernetes accepts; what is longer is somebody's attempt to fill the log.
fn shortened(name: &str) -> &str {
    name.char_indices()
        .nth(253)
        .map_or(name, |(end, _)| &name[..end])
}
