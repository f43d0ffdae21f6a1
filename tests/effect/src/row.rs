//! What is measured: a server program, started in one way, brought to its end in one way.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::form::Form;

/// A server program and the work it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// Names it on the command line and in Kubernetes: a DNS label.
    pub name: &'static str,
    /// The program, as people call it.
    pub system: &'static str,
    /// softstop's profile of it; empty if it has none.
    pub profile: &'static str,
    /// What is special about it among others of the same system; empty if nothing.
    pub variant: &'static str,
    /// Folder below `images/`.
    pub image: &'static str,
    /// Its working directory.
    pub dir: &'static str,
    /// The command, as it stands in a script. Words are separated by single spaces, none is quoted.
    pub line: &'static str,
    /// What it does.
    pub work: Work,
    /// `terminationGracePeriodSeconds` as its owner wrote it.
    pub grace: u32,
    /// `readOnlyRootFilesystem`.
    pub read_only: bool,
    /// Annotations of the pod beside the one that opts it in, as its owner would write them for softstop.
    pub annotations: &'static [(&'static str, &'static str)],
    /// Annotations beside these where a start script hides the program from softstop.
    pub hidden: &'static [(&'static str, &'static str)],
    /// Whether it can be made to end without losing work at all.
    pub drains: bool,
    /// Whether it has a clean-up of its own.
    pub cleans: Cleans,
    /// The user it runs as, if that must not be root.
    pub user: Option<u32>,
}

/// How is known that a program's own clean-up ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleans {
    /// It has none.
    No,
    /// Its application writes it down.
    Noted,
    /// It removes this file, in the pod's own folder.
    Removes(&'static str),
    /// This file, in the pod's own folder, is its log, and has this sentence.
    Logged(&'static str, &'static str),
}

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It answers requests of one second, on port 8000.
    Requests(Protocol),
    /// It takes tasks of 1.5 s from a queue in Redis; they are put there by `enqueue` of that Python module.
    Tasks(&'static str),
    /// It does jobs of that many milliseconds, one after the other, of its own accord.
    Jobs(u32),
}

/// What requests are sent by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// As a web server in front of it speaks to PHP-FPM, for this script.
    FastCgi(&'static str),
    /// PostgreSQL's: a transaction.
    Postgres,
    /// Redis': a command that blocks.
    Redis,
}

/// The system of scripts that do more than start their program.
pub(crate) const START_SCRIPTS: &str = "Bash start scripts, with `exec` or a trap";

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What is started.
    pub server: &'static Server,
    /// How it is started.
    pub form: Form,
    /// How the pod comes to its end.
    pub end: End,
}

/// How a pod comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// One of two replicas is deleted.
    Deleted,
    /// All replicas are replaced, one after the other.
    RollingUpdate,
}

impl Server {
    /// This, and what is special about the program.
    pub(crate) fn with_variant(&self, text: &str) -> String {
        match self.variant {
            "" => text.to_owned(),
            variant => format!("{text}, {variant}"),
        }
    }
}

impl Row {
    /// Names it on the command line and in Kubernetes: a DNS label.
    pub fn name(&self) -> String {
        let end = match self.end {
            End::Deleted => "",
            End::RollingUpdate => "-rolling",
        };
        format!("{}-{}{end}", self.server.name, self.form.name())
    }

    /// The system whose line it is in: start scripts have one of their own, whatever they start.
    pub(crate) fn system(&self) -> &'static str {
        match self.form {
            Form::ExecScript | Form::RightTrap | Form::NaiveTrap => START_SCRIPTS,
            _ => self.server.system,
        }
    }

    /// How it is started, for people.
    pub fn shape(&self) -> String {
        let end = match self.end {
            End::Deleted => "",
            End::RollingUpdate => ", rolling update",
        };
        format!("{}{end}", self.server.with_variant(self.form.shape()))
    }
}

/// With or without softstop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As Kubernetes alone does it.
    Off,
    /// Opted in by an annotation of the pod.
    Annotation,
    /// Opted in by a `ShutdownPolicy` with `entrypoint: auto`.
    Policy,
}

impl Mode {
    /// In the order in which a round goes through them.
    pub const ALL: [Self; 3] = [Self::Off, Self::Annotation, Self::Policy];

    /// In names of Kubernetes objects.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Annotation => "annotation",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
