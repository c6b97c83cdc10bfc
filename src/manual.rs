//! The manual page and the shells' completions, made from the command line's own declaration
//! and kept in the repository, so that a package for another machine needs not run the program.

use std::path::Path;
use std::{env, fs, io};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::Cli;

/// The whole command line with nothing that differs from one machine to the next.
fn command() -> Command {
    let mut command = Cli::command().term_width(0).after_help("");
    command.build();
    command
}

/// `tyto.1`: one page, with a section for each subcommand.
fn page() -> io::Result<Vec<u8>> {
    let command = command();
    let man = Man::new(command.clone())
        .manual("Tyto")
        .source(format!("Tyto {}", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    for subcommand in command.get_subcommands().filter(|c| c.get_name() != "help") {
        let name = subcommand.get_name().to_uppercase();
        page.extend_from_slice(format!(".SH {name}\n").as_bytes());
        let man = Man::new(subcommand.clone());
        let mut section = Vec::new();
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        if subcommand.get_arguments().any(|argument| !argument.is_hide_set()) {
            man.render_options_section(&mut section)?;
        }
        let text = String::from_utf8_lossy(&section)
            .replace(".SH SYNOPSIS\n", "")
            .replace(".SH DESCRIPTION\n", ".PP\n")
            .replace(".SH OPTIONS\n", "");
        page.extend_from_slice(text.as_bytes());
    }
    page.extend_from_slice(b".SH EXIT STATUS\n");
    for line in crate::EXIT_CODES.lines().skip(1) {
        let (code, meaning) = line.trim().split_once("  ").unwrap_or((line, ""));
        page.extend_from_slice(format!(".TP\n{code}\n{meaning}\n").as_bytes());
    }
    page.extend_from_slice(b".SH FILES\n");
    for (path, what) in [
        ("/etc/tyto/tyto.toml", "The configuration, see \\fBtyto.toml\\fR(5)."),
        ("/usr/share/tyto/board", "Board profiles."),
        ("/usr/share/tyto/models", "Model packs."),
        ("/run/tyto/events.sock", "The event socket, see \\fBtyto\\-events\\fR(7)."),
    ] {
        page.extend_from_slice(format!(".TP\n{path}\n{what}\n").as_bytes());
    }
    page.extend_from_slice(b".SH SEE ALSO\n.BR tyto.toml (5),\n.BR tyto-events (7)\n");
    Ok(page)
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "tyto", &mut text);
    text
}

/// Holds a file of the repository to what is made; `TYTO_MANUAL=write` writes it.
fn hold(path: &str, made: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if env::var_os("TYTO_MANUAL").is_some_and(|wish| wish == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, made).unwrap();
    }
    let kept = fs::read(&path).unwrap_or_default();
    let told = "is not that of the command line: TYTO_MANUAL=write cargo test manual";
    assert!(kept == made, "{} {told}", path.display());
}

#[test]
fn the_manual_page_is_that_of_the_command_line() {
    let page = page().unwrap();
    let text = String::from_utf8_lossy(&page);
    for name in ["RUN", "REPLAY", "CHECK", "STATUS", "WATCH"] {
        assert!(text.contains(&format!(".SH {name}\n")), "{name} is missing");
    }
    hold("docs/man/tyto.1", &page);
}

#[test]
fn the_completions_are_those_of_the_command_line() {
    for (shell, file) in
        [(Shell::Bash, "tyto.bash"), (Shell::Zsh, "_tyto"), (Shell::Fish, "tyto.fish")]
    {
        let made = completions(shell);
        assert!(String::from_utf8_lossy(&made).contains("replay"), "{shell}");
        hold(&format!("docs/completions/{file}"), &made);
    }
}
