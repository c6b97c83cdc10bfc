use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::error::Kind;

fn refusal(text: &str) -> String {
    let error = Config::parse(text, "tyto.toml").unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    error.to_string()
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(Config::parse("", "tyto.toml").unwrap(), Config::default());
}

#[test]
fn the_example_in_the_docs_is_valid_and_says_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tyto.example.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(Config::parse(&text, "tyto.example.toml").unwrap(), Config::default());
    // Every key that stands behind a `#` is one that exists, with a value that is allowed.
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with([' ', '#']) => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config = Config::parse(&uncommented, "tyto.example.toml").unwrap();
    assert_ne!(config, Config::default());
}

/// Every key that there is, as `section.key`, with its default where it has one.
fn keys() -> Vec<(String, Option<toml::Value>)> {
    let optional = "[source]\ninput = \"clip:a\"\n[socket]\ngroup = \"g\"\n\
                    [camera]\ndevice = \"d\"\nvfov_deg = 40.0\nformat = \"yuyv\"\n\
                    exposure = \"auto\"\npower_line_hz = 50\nfocus = 0\n[microphone]\ndevice = \"d\"\nmap = [0]\n\
                    [engine]\nname = \"tflite\"\nlibrary = \"l\"\ndelegate = { library = \"d\" }\n\
                    onnxruntime = { provider = \"cuda\" }\n";
    let tables = |config: Config| {
        let whole = config.effective(&config.overrule(Board::generic().unwrap()));
        toml::Table::try_from(whole).unwrap()
    };
    let all = tables(Config::parse(optional, "all.toml").unwrap());
    let plain = tables(Config::default());
    let mut keys = Vec::new();
    for (section, table) in all {
        for key in table.as_table().unwrap().keys() {
            let default = plain[&section].get(key).cloned();
            keys.push((format!("{section}.{key}"), default));
        }
    }
    keys
}

#[test]
fn the_docs_explain_every_key_with_its_default_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut explained = Vec::new();
    let mut section = None;
    for line in text.lines() {
        if line.starts_with('#') {
            let name = line.strip_prefix("### `[").and_then(|rest| rest.split_once(']'));
            section = name.map(|(name, _)| name);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let (Some(section), ["", key, default, _, ""]) = (section, cells.as_slice())
            && let Some(key) = key.strip_prefix('`')
        {
            let default = default.strip_prefix('`').map(|value| value.trim_end_matches('`'));
            explained.push((format!("{section}.{}", key.trim_end_matches('`')), default));
        }
    }
    let keys = keys();
    assert!(keys.len() > 30);
    for (key, default) in &keys {
        let said = explained.iter().find(|(name, _)| name == key);
        let (_, said) = said.unwrap_or_else(|| panic!("{key} is not explained"));
        let said =
            said.map(|value| toml::from_str::<toml::Table>(&format!("v = {value}")).unwrap());
        match (said.map(|table| table["v"].clone()), default) {
            // Some values pass through f32 on their way.
            (Some(toml::Value::Float(said)), Some(toml::Value::Float(is))) => {
                assert!((said - is).abs() < 1e-6, "{key}: {said} {is}");
            }
            (said, is) => assert_eq!(said.as_ref(), is.as_ref(), "{key}"),
        }
    }
    for (name, _) in explained {
        assert!(keys.iter().any(|(key, _)| *key == name), "{name} does not exist");
    }
}

#[test]
fn a_mistyped_key_is_refused_with_file_line_and_the_right_key() {
    assert_eq!(
        refusal("[socket]\n\nhartbeat_s = 3.0\n"),
        "tyto.toml:3: unknown key `socket.hartbeat_s` \
         (did you mean `heartbeat_s`? Known: path, mode, group, queue, heartbeat_s)"
    );
}

#[test]
fn values_out_of_range_are_refused_with_file_line_and_key() {
    for (text, expected) in [
        ("[perception]\nhop_s = 9.0", "tyto.toml:2: `perception.hop_s` is 9, outside 0.05 to 2"),
        (
            "[perception]\nhop_s = 0.245",
            "tyto.toml:2: `perception.hop_s` is 0.245, no multiple of 0.01",
        ),
        ("[perception]\nwindow = 0", "tyto.toml:2: `perception.window` is 0, outside 1 to 32"),
        ("[socket]\nqueue = 0", "tyto.toml:2: `socket.queue` is 0, outside 1 to 65536"),
        ("[socket]\npath = \"\"", "tyto.toml:2: `socket.path` is 0 bytes long, outside 1 to 107"),
        (
            "[socket]\nheartbeat_s = nan",
            "tyto.toml:2: `socket.heartbeat_s` is NaN, outside 0.1 to 3600",
        ),
        (
            "[camera]\n#\nhfov_deg = 180.0",
            "tyto.toml:3: `camera.hfov_deg` is 180, outside 1 to 179",
        ),
        ("[mount]\npitch_deg = 91.0", "tyto.toml:2: `mount.pitch_deg` is 91, outside -90 to 90"),
        ("[microphone]\nmap = [0, 3, 0]", "tyto.toml:2: `microphone.map` names channel 0 twice"),
        (
            "[microphone]\nmap = []",
            "tyto.toml:2: `microphone.map` names no channel; leave it out to use all",
        ),
        (
            "[microphone]\nperiod_ms = 0",
            "tyto.toml:2: `microphone.period_ms` is 0, outside 1 to 250",
        ),
        ("[microphone]\nchannels = 0", "tyto.toml:2: `microphone.channels` is 0, outside 1 to 64"),
        ("[engine]\nthreads = 0", "tyto.toml:2: `engine.threads` is 0, outside 1 to 64"),
        (
            "[engine]\nthreads = 3",
            "tyto.toml:2: `engine.threads` is 3, but tract computes on one thread",
        ),
        (
            "[engine]\ncores = [0, 1024]",
            "tyto.toml:2: `engine.cores` names processor 1024, outside 0 to 1023",
        ),
        ("[engine]\ncores = [3, 3]", "tyto.toml:2: `engine.cores` names a processor twice"),
        (
            "[engine]\nname = \"tflite\"\nthreads = 2\ncores = [3]",
            "tyto.toml:4: `engine.cores` names 1, fewer than the 2 of `engine.threads`",
        ),
        ("[engine]\nlibrary = \"\"", "tyto.toml:2: `engine.library` is empty"),
        (
            "[engine.delegate]\nlibrary = \"libvx_delegate.so\"",
            "tyto.toml:1: `engine.delegate` is given, but tract takes none: only tflite does",
        ),
        (
            "[engine]\nname = \"tflite\"\n[engine.delegate]\nlibrary = \"\"",
            "tyto.toml:4: `engine.delegate.library` is empty",
        ),
        (
            "[track]\n\nstart_looks = 40",
            "tyto.toml:3: track.start_looks: 40 is not possible (give 1 to 32)",
        ),
        ("[board]\nname = \"\"", "tyto.toml:2: `board.name` is empty"),
    ] {
        assert_eq!(refusal(text), expected);
    }
}

#[test]
fn texts_that_mean_something_else_are_refused_with_what_is_understood() {
    for (text, key, understood) in [
        ("[socket]\nmode = \"rw\"", "`socket.mode`", "0660"),
        ("[socket]\nmode = \"7777\"", "`socket.mode`", "0660"),
        ("[source]\ninput = \"tape:a\"", "`source.input`", "clip:PATH"),
        ("[log]\nlevel = \"loud\"", "`log.level`", "`debug`"),
        ("[engine]\nname = \"abacus\"", "`engine.name`", "`tract`"),
        ("[camera]\nwidth = 640.5", "`camera.width`", "expected a whole number"),
    ] {
        let text = refusal(text);
        assert!(text.starts_with(&format!("tyto.toml:2: {key}")), "{text}");
        assert!(text.contains(understood), "{text}");
    }
}

#[test]
fn auto_may_have_threads() {
    let board = |more: &str| {
        let text = format!("[engine]\nname = \"auto\"\n{more}");
        Config::parse(&text, "tyto.toml").map(|c| c.overrule(Board::generic().unwrap()).engine)
    };
    let engine = board("threads = 2\n").unwrap();
    assert_eq!((engine.name, engine.threads), (EngineName::Auto, 2));
    assert_eq!(engine.name.to_string(), "auto");
}

#[test]
fn the_cores_of_a_board_are_overruled_and_given_up_where_more_threads_are_wanted() {
    let mut board = Board::generic().unwrap();
    board.engine.cores = vec![2, 3];
    let cores = |text: &str| {
        let text = format!("[engine]\nname = \"tflite\"\n{text}");
        let config = Config::parse(&text, "tyto.toml").unwrap();
        config.overrule(board.clone()).engine.cores
    };
    assert_eq!(cores(""), [2, 3]);
    assert_eq!(cores("threads = 2\n"), [2, 3]);
    assert!(cores("threads = 3\n").is_empty());
    assert_eq!(cores("cores = [1]\n"), [1]);
    assert!(cores("cores = []\n").is_empty());
}

#[test]
fn an_engine_with_a_delegate_is_read_and_written_as_it_was_given() {
    let text = "[engine]\nname = \"tflite\"\nthreads = 2\nlibrary = \"/a.so\"\n\
                [engine.delegate]\nlibrary = \"/b.so\"\noptions = { device = \"usb\" }\n";
    let config = Config::parse(text, "tyto.toml").unwrap();
    let board = config.overrule(Board::generic().unwrap());
    let delegate = board.engine.delegate.clone().unwrap();
    assert_eq!((board.engine.name, board.engine.threads), (EngineName::Tflite, 2));
    assert_eq!(board.engine.library.as_deref(), Some(Path::new("/a.so")));
    assert_eq!(delegate.library, Path::new("/b.so"));
    assert_eq!(delegate.options["device"], "usb");
    let written = toml::to_string(&config.effective(&board)).unwrap();
    let again = Config::parse(&written, "again.toml").unwrap();
    assert_eq!(again.overrule(Board::generic().unwrap()).engine, board.engine);
}

#[test]
fn the_configuration_overrules_single_values_of_the_profile() {
    let config =
        Config::parse("[camera]\nhfov_deg = 90.0\n[mount]\nyaw_deg = 3.5\n", "tyto.toml").unwrap();
    let generic = Board::generic().unwrap();
    let board = config.overrule(generic.clone());
    assert_eq!(board.camera, Camera { hfov_deg: 90.0, ..generic.camera });
    assert_eq!(board.mount, Mount { yaw_deg: 3.5, ..generic.mount });
    assert_eq!(board.microphone, generic.microphone);
}

#[test]
fn the_effective_configuration_read_again_means_the_same() {
    let text = "[source]\ninput = \"clip:a b.mp4\"\n[socket]\nmode = \"0600\"\ngroup = \"tyto\"\n\
                [camera]\ndevice = \"/dev/v4l/by-id/x\"\nvfov_deg = 40.0\n";
    let config = Config::parse(text, "tyto.toml").unwrap();
    let board = config.overrule(Board::generic().unwrap());
    let whole = config.effective(&board);
    let again = Config::parse(&toml::to_string(&whole).unwrap(), "again.toml").unwrap();
    assert_eq!(again, whole);
    assert_eq!(again.overrule(Board::generic().unwrap()), board);
}

#[test]
fn a_file_that_was_named_but_is_missing_is_an_error_and_not_the_defaults() {
    let error = Config::load(Some(Path::new("/nowhere/tyto.toml"))).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/tyto.toml: cannot be read"), "{error}");
}

#[test]
fn the_file_that_was_read_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tyto.toml");
    std::fs::write(&path, "[source]\ninput = \"clip:owl.mp4\"\nrepeat = true\n").unwrap();
    let config = Config::load(Some(&path)).unwrap();
    assert_eq!(config.file, Some(path));
    assert_eq!(config.source.input, Input::Clip(PathBuf::from("owl.mp4")));
}

/// Lines that look like configuration, so that random texts get past the TOML grammar.
fn almost_toml() -> impl Strategy<Value = String> {
    let section = prop::sample::select(vec![
        "board",
        "model",
        "source",
        "socket",
        "perception",
        "log",
        "camera",
        "mount",
        "engine",
        "x",
    ]);
    let key = prop::sample::select(vec![
        "name",
        "dirs",
        "pack",
        "input",
        "mode",
        "queue",
        "heartbeat_s",
        "hop_s",
        "width",
        "level",
        "hfov_deg",
        "group",
        "é",
        "\"a b\"",
    ]);
    let value = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|x| format!("{x:e}")),
        "\"\\PC{0,12}\"",
        Just("nan".to_owned()),
        Just("[[]]".to_owned()),
        Just("{ a = 1 }".to_owned()),
        Just("1979-05-27".to_owned()),
    ];
    let line = (key, value).prop_map(|(key, value)| format!("{key} = {value}\n"));
    prop::collection::vec((section, prop::collection::vec(line, 0..3)), 0..4).prop_map(|parts| {
        parts.iter().map(|(name, lines)| format!("[{name}]\n{}", lines.concat())).collect()
    })
}

proptest! {
    #[test]
    fn no_text_panics_the_readers(text in any::<String>()) {
        let _ = Config::parse(&text, "x.toml");
        let _ = Board::parse(&text, "x.toml");
    }

    #[test]
    fn no_text_like_a_configuration_panics_and_every_refusal_is_one_line(text in almost_toml()) {
        let refused = [Config::parse(&text, "x.toml").err(), Board::parse(&text, "x.toml").err()];
        for error in refused.iter().flatten() {
            let said = error.to_string();
            prop_assert!(said.starts_with("x.toml"), "{said}");
            prop_assert!(!said.contains('\n'), "{said:?}");
        }
    }
}
