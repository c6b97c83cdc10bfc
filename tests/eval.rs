//! `tyto eval` as a user runs it: on the repository's stills and sounds, and on annotations made
//! up here in the form of the official ones.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use tyto::capture::Picture;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn root(&self) -> String {
        self.0.path().to_str().unwrap().to_owned()
    }
}

fn clip(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clips").join(name);
    path.to_str().unwrap().to_owned()
}

fn tyto(args: &[&str]) -> Output {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/owlet");
    Command::new(env!("CARGO_BIN_EXE_tyto"))
        .arg("eval")
        .args(args)
        .arg("--model")
        .arg(models)
        .output()
        .unwrap()
}

#[track_caller]
fn report(args: &[&str]) -> Value {
    let output = tyto(&[args, &["--json", "-"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn fails(args: &[&str], code: i32, parts: &[&str]) {
    let output = tyto(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(parts.iter().all(|part| said.contains(part)), "{said:?} lacks one of {parts:?}");
    assert!(!said.contains("panicked"), "{said}");
}

/// A score of the first row that speaks of `who` in table number `table`.
#[track_caller]
fn score(report: &Value, table: usize, who: &str, key: &str) -> f64 {
    let rows = report["tables"][table]["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["who"].as_str().unwrap().contains(who));
    row.unwrap_or_else(|| panic!("no row {who} in {report}"))["scores"][key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key} of {who} in {report}"))
}

/// The repository's three animals, each with its own sound and with silence.
fn animals(folder: &Folder) -> String {
    let boxes = [
        ("cow", [0.06, 0.38, 0.89, 0.91]),
        ("dog", [0.01, 0.04, 0.89, 0.96]),
        ("sheep", [0.13, 0.12, 0.86, 0.92]),
    ];
    let mut text = String::new();
    for (name, place) in boxes {
        let (image, audio) = (clip(&format!("{name}.jpg")), clip(&format!("{name}.wav")));
        let row =
            json!({"id": name, "image": image, "audio": audio, "class": name, "boxes": [place]});
        text += &format!("{row}\n");
    }
    let wrong = json!({"id": "neg_off_0", "image": clip("dog.jpg"), "audio": clip("cow.wav"), "class": "cow", "boxes": []});
    folder.write("animals.jsonl", text + &wrong.to_string())
}

#[test]
fn the_pack_finds_the_animals_of_the_clip_and_floors_stand_beside_it() {
    let folder = Folder::new();
    let sheet = folder.path("sheet.png");
    let found = report(&[
        "--protocol",
        "manifest",
        "--data",
        &animals(&folder),
        "--sheet",
        sheet.to_str().unwrap(),
    ]);
    assert_eq!((&found["items"], &found["scored"]), (&4.into(), &4.into()));
    assert_eq!(score(&found, 0, "owlet", "pointing"), 100.0);
    assert_eq!(score(&found, 0, "oracle", "adaptive"), 100.0);
    assert!(score(&found, 0, "centre", "mean") < 100.0);
    assert!(score(&found, 0, "owlet", "ap_own") >= 0.0);
    assert!(found["reliability"][0]["bins"].as_array().is_some_and(|bins| bins.len() == 10));
    let sheet = Picture::read(&sheet).unwrap();
    assert!(sheet.width > 1000 && sheet.rgb.iter().any(|value| *value > 0));
}

#[test]
fn retrieval_finds_each_animal_by_its_sound() {
    let folder = Folder::new();
    let found = report(&["--protocol", "retrieval", "--annotations", &animals(&folder)]);
    assert_eq!(found["items"], 9);
    assert_eq!(score(&found, 0, "sound to picture, by class", "r_at_1"), 100.0);
    assert!((score(&found, 0, "chance, sound to", "r_at_1") - 100.0 / 3.0).abs() < 1e-3);
    assert_eq!(score(&found, 0, "chance, picture to", "r_at_5"), 100.0);
}

#[test]
fn mixtures_are_made_of_two_rows_of_one_picture_at_three_levels() {
    let folder = Folder::new();
    let row = |id: &str, sound: &str, place: [f64; 4], other: [f64; 4]| {
        json!({"id": id, "image": clip("dog.jpg"), "audio": clip(sound), "class": id,
               "boxes": [place], "others": [{"class": "x", "boxes": [other]}], "group": "p"})
    };
    let (left, right) = ([0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]);
    let rows =
        format!("{}\n{}\n", row("a", "dog.wav", left, right), row("b", "cow.wav", right, left));
    let file = folder.write("pairs.jsonl", rows);
    let found = report(&["--protocol", "mixtures", "--annotations", &file]);
    assert_eq!(found["items"], 3);
    assert_eq!(score(&found, 0, "oracle", "both"), 100.0);
    assert_eq!(score(&found, 0, "middle of both halves", "both"), 100.0);
    assert_eq!(score(&found, 0, "centre", "both"), 0.0);
    assert!(score(&found, 0, ", +6 dB", "sources_reported") <= 3.0);

    let stored = folder.write(
        "p.jsonl",
        ["a+b@+0dB", "a+b@+6dB", "a+b@-6dB"].map(|id| {
            json!({"id": id, "sources": [{"peak": [0.2, 0.5]}, {"peak": [0.9, 0.5], "on_screen": id != "a+b@-6dB"}]}).to_string()
        }).join("\n"),
    );
    let found = report(&["--protocol", "mixtures", "--annotations", &file, "--pred", &stored]);
    assert!((score(&found, 0, &stored, "both") - 200.0 / 3.0).abs() < 1e-3);
    assert_eq!(score(&found, 0, &stored, "at_least_one"), 100.0);
}

#[test]
fn negative_sounds_are_measured_on_the_animals() {
    let folder = Folder::new();
    let found =
        report(&["--protocol", "manifest", "--annotations", &animals(&folder), "--negative-audio"]);
    let silence = score(&found, 0, "owlet", "pia_silence");
    assert!((0.0..50.0).contains(&silence), "{found}");
    assert_eq!(score(&found, 0, "full", "f_loc"), 0.0);
    assert_eq!(score(&found, 0, "oracle", "f_loc"), 100.0);
}

const VGGSS: &str = r#"[
 {"file": "aaaaaaaaaaa_000010", "class": "owl hooting", "bbox": [[0.25, 0.25, 0.75, 0.75]]},
 {"file": "bbbbbbbbbbb_000020", "class": "playing tuba", "bbox": [[0.0, -0.1, 0.2, 0.2], [0.9, 0.9, 0.7, 1.0]]}]"#;

#[test]
fn floors_need_neither_media_nor_a_pack() {
    let folder = Folder::new();
    let file = folder.write("vggss.json", VGGSS);
    let output = Command::new(env!("CARGO_BIN_EXE_tyto"))
        .args(["eval", "--protocol", "vggss", "--annotations", &file, "--predictor", "centre"])
        .args(["--model", "no-such-pack"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The first box, wholly inside the disc, is a hair above half of it; the second is a corner.
    assert!(said.contains("| centre | 2 | 50.0 |"), "{said}");
    assert!(said.contains("3 boxes, 1 inverted, 1 with negative coordinates, 1 empty"), "{said}");
    assert!(said.contains("| oracle | 2 |") && said.contains("| full | 2 |"), "{said}");
}

#[test]
fn maps_of_another_system_are_scored_and_what_is_missing_is_no_success() {
    let folder = Folder::new();
    let file = folder.write("vggss.json", VGGSS);
    let map = [[0, 0, 0, 0], [0, 9, 9, 0], [0, 9, 9, 0], [0, 0, 0, 0]];
    let pred = folder.write("p.jsonl", json!({"id": "aaaaaaaaaaa_000010", "map": map}).to_string());
    let args = ["--protocol", "vggss", "--annotations", &file, "--pred", &pred];
    let found = report(&args);
    assert_eq!(
        (&found["scored"], &found["missing"][0]["id"]),
        (&1.into(), &"bbbbbbbbbbb_000020".into())
    );
    assert_eq!(score(&found, 0, &pred, "adaptive"), 100.0);
    assert_eq!(score(&found, 0, &format!("{pred}, missing"), "adaptive"), 50.0);

    folder.write("none/other.npy", "");
    let empty = folder.path("none");
    fails(
        &["--protocol", "vggss", "--annotations", &file, "--pred", empty.to_str().unwrap()],
        4,
        &["none of 2 items could be scored", "aaaaaaaaaaa_000010.npy"],
    );
}

#[test]
fn media_are_found_below_folders_and_lacking_ones_are_listed() {
    let folder = Folder::new();
    let file = folder.write("vggss.json", VGGSS);
    for (from, to) in [
        ("dog.jpg", "f/aaaaaaaaaaa_000010/image_050.jpg"),
        ("dog.wav", "s/aaaaaaaaaaa_10000_20000.wav"),
    ] {
        folder.write(to, std::fs::read(clip(from)).unwrap());
    }
    let found = report(&["--protocol", "vggss", "--annotations", &file, "--media", &folder.root()]);
    assert_eq!(found["scored"], 1);
    let why = found["missing"][0]["why"].as_str().unwrap();
    assert_eq!(why, "picture bbbbbbbbbbb_000020 is not there");
}

#[test]
fn every_official_form_is_read_and_its_ceiling_is_above_its_floor() {
    let folder = Folder::new();
    let vggss = folder.write("vggss.json", VGGSS);
    let kaist = |names: [&str; 2]| {
        let row = |name: &str| json!({"image": format!("/m/v/{name}.jpg"), "audio": format!("/m/a/{name}.wav"), "gt_box": [40.0, 40.0, 200.0, 200.0]});
        json!(names.map(row)).to_string()
    };
    let is3 = folder.write("is3.json", kaist(["owl_saw_1_owl", "owl_saw_1_saw"]));
    let ms3 = folder.write("ms3.json", kaist(["x_1/x_1.mp4_1", "x_1/x_1.mp4_2"]));
    let solo =
        folder.write("solo.json", r#"[{"file":"a","class":"flute","bbox":[0.2,0.2,0.5,0.5]}]"#);
    let duet = folder.write("duet.json", r#"[{"file":"a","class_src1":"flute","bbox_src1":[0,0,0.5,1],"class_src2":"tuba","bbox_src2":[0.5,0,0.5,1]}]"#);
    let pairs = folder
        .write("pairs.csv", "aaaaaaaaaaa_000010,owl hooting,bbbbbbbbbbb_000020,playing tuba\n");
    let silent = folder.write(
        "silent.csv",
        "video,audio,label\naaaaaaaaaaa_000010,bbbbbbbbbbb_000020,non-sounding\n",
    );
    let ids = folder.write("ids.csv", "77,12\n");
    folder.write(
        "xml/77.xml",
        "<r><a><bbox><i>1</i><x>10</x><y>20</y><x>200</x><y>240</y></bbox></a></r>",
    );
    let xml = folder.path("xml").to_str().unwrap().to_owned();
    let instruments = folder.write("i.csv", "sample1,tuba\n");
    let multi = folder.write("im.csv", "sample1,tuba,sample2,harp\n");
    for name in ["sample1", "sample2"] {
        let rgb = [[255, 255, 255], [0, 0, 0]].concat();
        std::fs::create_dir_all(folder.path("masks")).unwrap();
        Picture { width: 2, height: 1, rgb }
            .write_png(&folder.path(&format!("masks/{name}.png")))
            .unwrap();
    }
    let root = folder.root();
    for (protocol, annotations, list, key) in [
        ("vggss", &vggss, None, "ciou"),
        ("vggss-extended", &vggss, Some(&silent), "max_f1"),
        ("flickr", &xml, Some(&ids), "auc"),
        ("flickr-extended", &xml, Some(&silent), "max_f1"),
        ("is3", &is3, None, "iauc"),
        ("vpo", &is3, None, "iauc_adaptive"),
        ("ms3", &ms3, None, "auc_adaptive"),
        ("s4", &ms3, None, "iou_at_score_50"),
        ("music-solo", &solo, None, "pixel_ap"),
        ("music-duet", &duet, None, "cap"),
        ("vggsound-duet", &vggss, Some(&pairs), "piap"),
        ("vggsound-instruments", &instruments, None, "miou"),
        ("vggsound-instruments-multi", &multi, None, "auc"),
    ] {
        let mut args = vec![
            "--protocol",
            protocol,
            "--annotations",
            annotations,
            "--predictor",
            "full",
            "--media",
            &root,
        ];
        args.extend(list.iter().flat_map(|list| ["--list", list.as_str()]));
        let found = report(&args);
        assert_eq!(found["missing"], json!([]), "{protocol}");
        let (floor, ceiling) = (score(&found, 0, "centre", key), score(&found, 0, "oracle", key));
        assert!(floor <= ceiling && ceiling > 0.0, "{protocol}: {key} {floor} {ceiling}");
    }
    for reading in ["class-aware", "absolute", "score", "halves"] {
        let found = report(&[
            "--protocol",
            "music-duet",
            "--annotations",
            &duet,
            "--predictor",
            "centre",
            "--reading",
            reading,
        ]);
        assert!(found["notes"][0].as_str().unwrap().contains(reading), "{found}");
    }
}

#[test]
fn faulty_files_are_named_with_row_and_key() {
    let folder = Folder::new();
    let bad = folder.write("bad.json", r#"[{"file":"a","class":"b"}]"#);
    fails(&["--protocol", "vggss", "--annotations", &bad], 4, &["bad.json: row 0", "bbox"]);
    let bad = folder.write("bad.jsonl", "{}\n");
    fails(&["--protocol", "manifest", "--annotations", &bad], 4, &["bad.jsonl: line 1", "id"]);
    let good = folder.write("vggss.json", VGGSS);
    fails(
        &["--protocol", "vggsound-duet", "--annotations", &good],
        4,
        &["list: is lacking", "--list FILE"],
    );
    fails(
        &["--protocol", "vggss", "--annotations", &good, "--media", "/no/such"],
        4,
        &["/no/such"],
    );
    fails(&["--protocol", "vggs", "--annotations", &good], 2, &["vggs"]);
    fails(&["--protocol", "vggss", "--annotations", &good, &good], 4, &["one file too many"]);
}

#[test]
fn help_lists_every_protocol_with_its_files() {
    let output = tyto(&["--help"]);
    let said = String::from_utf8(output.stdout).unwrap();
    for protocol in tyto::evaluate::protocol::ALL {
        assert!(said.contains(&format!("  {} ", protocol.name)), "{} in {said}", protocol.name);
        assert!(said.contains(protocol.about) && said.contains(protocol.files), "{said}");
    }
}

#[test]
fn the_documentation_lists_every_measure_in_its_words() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evaluation.md");
    let text = std::fs::read_to_string(path).unwrap();
    for measure in tyto::evaluate::measure::ALL {
        let row = format!("| `{}` | {} | {} |\n", measure.key, measure.title, measure.meaning);
        assert!(text.contains(&row), "docs/evaluation.md lacks {row}");
    }
    for protocol in tyto::evaluate::protocol::ALL {
        assert!(text.contains(&format!("`{}`", protocol.name)), "{}", protocol.name);
    }
}
