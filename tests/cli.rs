//! The command line as a user meets it: output, exit codes, one line an error.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// `tyto` with `args`, in an empty folder so that nothing is found by chance.
fn tyto(args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    command(dir.path()).args(args).output().unwrap()
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tyto"));
    command.current_dir(dir).env_remove("RUST_LOG").env_remove("JOURNAL_STREAM");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn version_and_help_go_to_standard_output() {
    let version = tyto(&["--version"]);
    assert!(version.status.success());
    assert_eq!(text(&version.stdout), format!("tyto {}\n", env!("CARGO_PKG_VERSION")));
    let help = tyto(&["--help"]);
    assert!(help.status.success());
    assert!(text(&help.stdout).contains("Commands:"));
}

#[test]
fn help_tells_the_exit_code_of_every_kind_of_error() {
    use tyto::error::Kind;
    let help = text(&tyto(&["--help"]).stdout);
    for (kind, words) in [
        (Kind::System, "system"),
        (Kind::Config, "configuration"),
        (Kind::Media, "clip"),
        (Kind::Pack, "model pack"),
        (Kind::Device, "camera"),
        (Kind::Socket, "socket"),
        (Kind::Helper, "helper"),
    ] {
        let start = format!("  {}  ", kind.exit_code());
        let line = help.lines().find(|line| line.starts_with(&start));
        assert!(line.is_some_and(|line| line.contains(words)), "{kind:?} in:\n{help}");
    }
}

#[test]
fn the_manual_has_the_same_exit_codes() {
    let help = text(&tyto(&["--help"]).stdout);
    let (_, listed) = help.split_once("Exit codes:\n").unwrap();
    let manual = include_str!("../docs/configuration.md");
    let mut codes = 0;
    for (code, what) in listed.lines().filter_map(|line| line.trim_start().split_once("  ")) {
        let row = manual.lines().find(|line| line.starts_with(&format!("| {code} | ")));
        let row = row.unwrap_or_else(|| panic!("{code} is not in the manual"));
        // Success and a wrong command line are told in other words.
        assert!(["0", "2"].contains(&code) || row.contains(what), "{code} {what}: {row}");
        codes += 1;
    }
    assert_eq!(codes, 9, "{listed}");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for args in [&["--nonsense"][..], &["fly"], &[], &["config", "--log", "loud"]] {
        let output = tyto(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn config_prints_toml_that_config_reads_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("first.toml");
    std::fs::write(&file, "[socket]\npath = \"/tmp/owl.sock\"\n[camera]\nhfov_deg = 75.0\n")
        .unwrap();
    let first = command(dir.path()).args(["config", "--config", "first.toml"]).output().unwrap();
    assert!(first.status.success(), "{}", text(&first.stderr));
    let said = text(&first.stdout);
    assert!(said.contains("# configuration: first.toml\n"), "{said}");
    assert!(said.contains("# board profile: generic (built in)\n"), "{said}");
    assert!(said.contains("hfov_deg = 75.0\n") && said.contains("/tmp/owl.sock"), "{said}");

    std::fs::write(dir.path().join("second.toml"), &said).unwrap();
    let second = command(dir.path()).args(["config", "--config", "second.toml"]).output().unwrap();
    let body = |text: &str| text.split_once("\n\n").unwrap().1.to_owned();
    assert_eq!(body(&text(&second.stdout)), body(&said));
}

#[test]
fn an_unknown_key_is_one_line_with_file_line_and_key_and_ends_with_3() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.toml"), "[socket]\nptah = \"/tmp/x\"\n").unwrap();
    let output = command(dir.path()).args(["config", "--config", "a.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert_eq!(
        said,
        "tyto: a.toml:2: unknown key `socket.ptah` \
         (did you mean `path`? Known: path, mode, group, queue, heartbeat_s)\n"
    );
}

#[test]
fn an_unknown_board_ends_with_3_and_lists_the_known_ones() {
    let output = tyto(&["config", "--board", "toaster"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert!(said.starts_with("tyto: toaster: no such board profile"), "{said}");
    assert!(said.contains("generic"), "{said}");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = command(dir.path())
        .arg("config")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success(), "{:?}", output.status);
}

#[test]
fn errors_go_to_the_journal_with_their_priority() {
    use std::os::linux::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let stream = std::fs::File::create(&path).unwrap();
    let about = stream.metadata().unwrap();
    let status = command(dir.path())
        .args(["config", "--board", "toaster"])
        .env("JOURNAL_STREAM", format!("{}:{}", about.st_dev(), about.st_ino()))
        .stderr(stream)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(3));
    let said = std::fs::read_to_string(&path).unwrap();
    assert!(said.starts_with("<3>toaster: "), "{said}");
}
