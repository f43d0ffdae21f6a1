//! The ways in which people start a program in a container.

/// A way to start a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `command: [program, args...]`.
    Exec,
    /// `command: [sh, -c, "..."]`, with Debian's dash.
    ShC,
    /// `command: [bash, -c, "..."]`.
    BashC,
    /// A script whose last line is the program, for dash.
    DashScript,
    /// The same for bash.
    BashScript,
    /// A bash script whose last line is `exec` and the program.
    ExecScript,
    /// A bash script that hands the signal on, but ends before the program has.
    NaiveTrap,
    /// A bash script that hands the signal on, and waits for the program.
    RightTrap,
    /// tini in front of a script.
    TiniScript,
    /// dumb-init in front of the program.
    DumbInit,
    /// The image's ENTRYPOINT in exec form, which softstop does not see.
    Entrypoint,
    /// The image's ENTRYPOINT in shell form.
    ShellEntrypoint,
}

impl Form {
    /// Every way.
    pub const ALL: [Self; 12] = [
        Self::Exec,
        Self::ShC,
        Self::BashC,
        Self::DashScript,
        Self::BashScript,
        Self::ExecScript,
        Self::NaiveTrap,
        Self::RightTrap,
        Self::TiniScript,
        Self::DumbInit,
        Self::Entrypoint,
        Self::ShellEntrypoint,
    ];

    /// In the names of rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::ShC => "sh-c",
            Self::BashC => "bash-c",
            Self::DashScript => "dash-script",
            Self::BashScript => "bash-script",
            Self::ExecScript => "exec-script",
            Self::NaiveTrap => "naive-trap",
            Self::RightTrap => "right-trap",
            Self::TiniScript => "tini-script",
            Self::DumbInit => "dumb-init",
            Self::Entrypoint => "entrypoint",
            Self::ShellEntrypoint => "shell-entrypoint",
        }
    }

    /// For people.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Exec => "exec form",
            Self::ShC => "`sh -c`",
            Self::BashC => "`bash -c`",
            Self::DashScript => "dash script",
            Self::BashScript => "bash script",
            Self::ExecScript => "bash script with `exec`",
            Self::NaiveTrap => "bash script, naive trap",
            Self::RightTrap => "bash script, correct trap",
            Self::TiniScript => "tini + script",
            Self::DumbInit => "dumb-init",
            Self::Entrypoint => "ENTRYPOINT of the image",
            Self::ShellEntrypoint => "ENTRYPOINT of the image, shell form",
        }
    }

    /// Whether the image says what is run, not the pod.
    pub fn is_of_image(self) -> bool {
        matches!(self, Self::Entrypoint | Self::ShellEntrypoint)
    }

    /// What the container runs; scripts are in `script`.
    pub fn argv<'s>(self, line: &'s str, script: &'s str) -> Vec<&'s str> {
        match self {
            Self::Exec | Self::Entrypoint => line.split(' ').collect(),
            Self::ShC | Self::ShellEntrypoint => vec!["/bin/sh", "-c", line],
            Self::BashC => vec!["bash", "-c", line],
            Self::TiniScript => vec!["tini", "--", script],
            Self::DumbInit => std::iter::once("dumb-init")
                .chain(line.split(' '))
                .collect(),
            Self::DashScript
            | Self::BashScript
            | Self::ExecScript
            | Self::NaiveTrap
            | Self::RightTrap => vec![script],
        }
    }

    /// The script in the image, where there is one.
    pub fn script(self, line: &str) -> Option<String> {
        Some(match self {
            Self::DashScript | Self::TiniScript => format!("#!/bin/sh\necho starting\n{line}\n"),
            Self::BashScript => format!("#!/bin/bash\necho starting\n{line}\n"),
            Self::ExecScript => format!("#!/bin/bash\necho starting\nexec {line}\n"),
            // `wait` returns when the trap has run, then the script ends, and with it the container.
            Self::NaiveTrap => {
                format!(
                    "#!/bin/bash\n{line} &\nchild=$!\ntrap 'kill -TERM $child' TERM\nwait $child\n"
                )
            }
            Self::RightTrap => format!(
                "#!/bin/bash\n{line} &\nchild=$!\ntrap 'kill -TERM $child' TERM\nwait $child\ntrap - TERM\nwait $child\n"
            ),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_there_where_it_is_started() {
        for form in Form::ALL {
            let argv = form.argv("gunicorn app", "/start");
            let script = form.script("gunicorn app");
            assert_eq!(argv.contains(&"/start"), script.is_some(), "{form:?}");
        }
    }
}
