use std::path::Path;

use super::*;

fn tiny() -> Pack {
    Pack::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/tiny")).unwrap()
}

/// A picture of 4 × 2 places: grey, with something of the given dimension at one place.
fn picture(things: &[(usize, usize)]) -> ImageMap {
    let mut map = ImageMap { dim: 5, height: 2, width: 4, values: vec![0.0; 5 * 8] };
    for cell in 0..8 {
        map.values[3 * 8 + cell] = 0.25;
    }
    for (dimension, cell) in things {
        map.values[dimension * 8 + cell] = 1.0;
    }
    map
}

fn sound(embedding: [f32; 5]) -> SoundVector {
    SoundVector { embedding: embedding.to_vec(), tags: embedding.map(|v| v.min(1.0)).to_vec() }
}

#[test]
fn the_map_is_the_cosine_of_both_sides_however_long_they_are() {
    let aligner = Aligner::new(&tiny());
    let image = picture(&[(0, 6)]);
    let map = aligner.similarity(&image, &sound([1.0, 0.0, 0.0, 0.0, 0.0]));
    let wanted = 1.0 / (1.0f32 + 0.25 * 0.25).sqrt();
    assert_eq!((map.width, map.height), (4, 2));
    assert!((map.values[6] - wanted).abs() < 1e-6);
    assert_eq!(map.values[0], 0.0);
    let louder = aligner.similarity(&image, &sound([9.0, 0.0, 0.0, 0.0, 0.0]));
    assert_eq!(map, louder);
}

#[test]
fn a_thing_in_view_is_found_at_its_place_with_the_calibrated_confidence() {
    let sources =
        Aligner::new(&tiny()).look(Some(&picture(&[(2, 6)])), &sound([0.0, 0.0, 0.9, 0.0, 0.0]));
    let [source] = sources.as_slice() else { panic!("one source, not {sources:?}") };
    assert_eq!((source.label.as_ref(), source.on_screen), ("Blue", true));
    assert!((source.label_score - 0.9).abs() < 1e-6);
    assert_eq!(source.peak[1], 0.75);
    assert!((source.peak[0] - 0.625).abs() < 1e-6, "{:?}", source.peak);
    let value = source.map.peak().1;
    assert!((source.confidence - 1.0 / (1.0 + (-(10.0 * value - 5.0)).exp())).abs() < 1e-6);
}

#[test]
fn two_things_at_once_have_a_map_each_and_the_stronger_comes_first() {
    let sources = Aligner::new(&tiny())
        .look(Some(&picture(&[(0, 0), (1, 7)])), &sound([0.6, 0.9, 0.0, 0.0, 0.0]));
    let names: Vec<_> = sources.iter().map(|s| s.label.as_ref()).collect();
    assert_eq!(names, ["Green", "Red"]);
    assert_eq!((sources[0].peak, sources[1].peak), ([0.875, 0.75], [0.125, 0.25]));
    assert!(sources.iter().all(|s| s.on_screen && s.map.values.len() == 8));
}

#[test]
fn of_two_things_at_once_the_second_may_be_faint_where_it_is_plain_to_see() {
    let heard = sound([0.0, 0.9, 0.0, 0.0, 0.0]);
    let faint = |score: f32| {
        let mut heard = heard.clone();
        (heard.embedding[0], heard.tags[0]) = (score.sqrt(), score);
        heard
    };
    let labels = |image: &ImageMap, heard: &SoundVector| -> Vec<String> {
        let sources = Aligner::new(&tiny()).look(Some(image), heard);
        sources.iter().map(|s| s.label.to_string()).collect()
    };
    let both = picture(&[(0, 0), (1, 7)]);
    assert_eq!(labels(&both, &faint(0.03)), ["Green", "Red"]);
    assert_eq!(labels(&both, &heard), ["Green"], "what is silent is no source");
    assert_eq!(labels(&both, &faint(0.0005)), ["Green"], "nor is what is next to nothing");
    let mut hardly = both;
    hardly.values[0] = 0.1;
    assert_eq!(labels(&hardly, &faint(0.03)), ["Green"], "nor what hardly looks like it");
}

#[test]
fn of_two_things_at_once_each_is_as_sure_as_the_whole_sound_is_of_its_place() {
    let (image, heard) = (picture(&[(0, 0), (1, 7)]), sound([0.3, 0.9, 0.0, 0.0, 0.0]));
    let mut aligner = Aligner::new(&tiny());
    let whole = aligner.similarity(&image, &heard).values;
    let sources = aligner.look(Some(&image), &heard);
    let sure = |cell: usize| 1.0 / (1.0 + (-(10.0 * whole[cell] - 5.0)).exp());
    assert_eq!(sources.iter().map(|s| s.confidence).collect::<Vec<_>>(), [sure(7), sure(0)]);
}

#[test]
fn noise_is_not_two_faint_things_in_view() {
    let image = picture(&[(0, 0), (1, 7)]);
    let look = |heard| Aligner::new(&tiny()).look(Some(&image), &sound(heard));
    assert_eq!(look([0.2, 0.2, 0.0, 0.0, 0.2]).len(), 2);
    let sources = look([0.2, 0.2, 0.0, 0.0, 1.0]);
    let [noise] = sources.as_slice() else { panic!("one source, not {sources:?}") };
    assert_eq!((noise.label.as_ref(), noise.on_screen), ("Noise", false));
}

#[test]
fn two_things_at_one_place_are_one() {
    let sources = Aligner::new(&tiny())
        .look(Some(&picture(&[(0, 1), (1, 2)])), &sound([0.6, 0.9, 0.0, 0.0, 0.0]));
    assert_eq!(sources.len(), 1, "{sources:?}");
}

#[test]
fn no_confidence_passes_the_ceiling() {
    let mut pack = tiny();
    pack.manifest.calibration.ceiling = 0.8;
    let (image, heard) = (picture(&[(2, 6)]), sound([0.0, 0.0, 0.9, 0.0, 0.0]));
    let [low, high] = [&pack, &tiny()].map(|pack| Aligner::new(pack).answer(&image, &heard));
    assert!((low.confidence - 0.8 * high.confidence).abs() < 1e-6);
}

#[test]
fn a_thing_that_is_not_in_the_picture_is_heard_out_of_view() {
    let sources =
        Aligner::new(&tiny()).look(Some(&picture(&[(0, 0)])), &sound([0.0, 0.8, 0.0, 0.0, 0.0]));
    assert_eq!(sources.len(), 1);
    assert!(!sources[0].on_screen);
    assert_eq!(sources[0].confidence, sources[0].label_score);
}

#[test]
fn what_cannot_be_seen_is_never_in_view_even_where_the_picture_answers() {
    let sources =
        Aligner::new(&tiny()).look(Some(&picture(&[(4, 3)])), &sound([0.0, 0.0, 0.0, 0.0, 1.0]));
    assert_eq!((sources[0].label.as_ref(), sources[0].on_screen), ("Noise", false));
    assert!(sources[0].map.peak().1 > 0.9);
}

#[test]
fn without_a_camera_sounds_are_named_and_nothing_is_in_view() {
    let sources = Aligner::new(&tiny()).look(None, &sound([0.7, 0.0, 0.0, 0.0, 0.0]));
    assert_eq!((sources[0].label.as_ref(), sources[0].on_screen), ("Red", false));
    assert!(sources[0].map.values.is_empty());
}

#[test]
fn of_labels_with_one_prototype_the_tags_choose() {
    let mut pack = tiny();
    let look = |pack: &Pack| {
        Aligner::new(pack).look(None, &sound([0.7, 0.0, 0.0, 0.0, 0.0])).remove(0).label.to_string()
    };
    assert_eq!(look(&pack), "Red");
    for label in &mut pack.labels.labels {
        if label.name == "Red" {
            label.sounds = vec![(1, 1.0)];
        }
    }
    assert_eq!(look(&pack), "Crimson");
}

#[test]
fn the_label_score_is_the_prototype_s_weight_in_a_pack_without_tags() {
    let mut pack = tiny();
    pack.labels.tags.clear();
    pack.labels.labels.iter_mut().for_each(|label| label.sounds.clear());
    let heard = SoundVector { embedding: vec![0.0, 3.0, 0.0, 0.0, 0.0], tags: Vec::new() };
    let source = Aligner::new(&pack).look(None, &heard).remove(0);
    assert_eq!((source.label.as_ref(), source.label_score), ("Green", 1.0));
}

/// The tiny pack without its labels.
fn nameless() -> Pack {
    let mut pack = tiny();
    pack.manifest.labels = None;
    pack.labels.labels.truncate(1);
    let label = &mut pack.labels.labels[0];
    (label.name, label.general, label.prototype) = ("sound".to_owned(), true, Vec::new());
    (pack.labels.tags, label.sounds) = (Vec::new(), Vec::new());
    pack
}

#[test]
fn a_pack_without_labels_finds_one_source_under_its_one_name() {
    let mut aligner = Aligner::new(&nameless());
    let heard = |embedding: [f32; 5]| SoundVector { embedding: embedding.to_vec(), tags: vec![] };
    let image = picture(&[(0, 0), (1, 7)]);
    let sources = aligner.look(Some(&image), &heard([0.6, 0.9, 0.0, 0.0, 0.0]));
    let [source] = sources.as_slice() else { panic!("one source, not {sources:?}") };
    assert_eq!((source.label.as_ref(), source.label_score, source.on_screen), ("sound", 1.0, true));
    assert_eq!(source.peak, [0.875, 0.75]);

    let elsewhere = aligner.look(Some(&image), &heard([0.0, 0.0, 1.0, 0.0, 0.0]));
    assert_eq!((elsewhere.len(), elsewhere[0].on_screen), (1, false));
    assert_eq!(elsewhere[0].confidence, 1.0, "that there is a sound is beyond doubt");
    assert!(aligner.look(Some(&image), &heard([0.0; 5])).is_empty());
    assert_eq!(aligner.look(None, &heard([1.0; 5])).len(), 1);
}

#[test]
fn in_a_signed_space_what_points_away_is_unlike_and_not_unheard() {
    let mut pack = nameless();
    pack.manifest.signed = true;
    let mut image = picture(&[]);
    (image.values[5], image.values[2]) = (-1.0, 1.0);
    let heard = SoundVector { embedding: vec![-0.9, 0.0, 0.0, 0.0, 0.0], tags: vec![] };
    let source = Aligner::new(&pack).look(Some(&image), &heard).remove(0);
    assert!(source.on_screen && source.map.values[5] > 0.9, "{source:?}");
    assert!(source.map.values[2] < -0.9);
}

#[test]
fn nothing_heard_is_nothing_found() {
    let mut aligner = Aligner::new(&tiny());
    assert!(aligner.look(Some(&picture(&[(0, 0)])), &sound([0.0; 5])).is_empty());
    assert!(aligner.is_silent(-60.5) && !aligner.is_silent(-59.5));
}

#[test]
fn a_picture_of_another_width_than_the_sound_is_no_picture() {
    let narrow = ImageMap { dim: 2, height: 1, width: 1, values: vec![1.0, 1.0] };
    let sources = Aligner::new(&tiny()).look(Some(&narrow), &sound([1.0, 0.0, 0.0, 0.0, 0.0]));
    assert!(!sources[0].on_screen && sources[0].map.values.is_empty());
}

/// The tiny pack with a family, "warm", that red and green share in equal parts.
fn warm() -> Pack {
    let mut pack = tiny();
    pack.labels.families = vec![4];
    pack.manifest.calibration.sure_label = 0.5;
    pack.manifest.calibration.on_screen = 0.4;
    for label in &mut pack.labels.labels {
        match label.name.as_str() {
            "Red" => label.prototype = vec![1.0, 0.0, 0.0, 0.0, 1.0],
            "Green" => label.prototype = vec![0.0, 1.0, 0.0, 0.0, 1.0],
            _ => {}
        }
    }
    pack
}

#[test]
fn a_sure_label_is_not_in_view_because_its_family_is() {
    let cousin = picture(&[(1, 5), (4, 5)]);
    let red = |score| SoundVector {
        embedding: vec![0.8, 0.0, 0.0, 0.0, 0.8],
        tags: vec![score, 0.0, 0.0, 0.0, 0.0],
    };
    let look = |pack: &Pack, score| Aligner::new(pack).look(Some(&cousin), &red(score)).remove(0);
    assert!(!look(&warm(), 0.9).on_screen);
    assert!(look(&warm(), 0.4).on_screen, "an unsure label may mean its cousin");

    let mut general = warm();
    general.labels.labels.iter_mut().for_each(|label| label.general = true);
    assert!(look(&general, 0.9).on_screen, "the name of a family means all its members");
}

#[test]
fn what_is_heard_beyond_doubt_is_not_in_view_because_of_a_faint_second_meaning() {
    let mut pack = warm();
    pack.manifest.calibration.on_screen = 0.3;
    let cousin = picture(&[(1, 5), (4, 5)]);
    let look = |score, second| {
        let heard = SoundVector {
            embedding: vec![0.9, second, 0.0, 0.0, 0.9],
            tags: vec![score, 0.0, 0.0, 0.0, 0.0],
        };
        Aligner::new(&pack).look(Some(&cousin), &heard).remove(0)
    };
    let sources = [look(0.95, 0.5), look(0.8, 0.5), look(0.95, 3.0)];
    assert!(sources.iter().all(|source| *source.label == *"Red"));
    let [certain, doubtful, plain] = sources.map(|source| source.on_screen);
    assert!(!certain, "red sounds, green is in view");
    assert!(doubtful, "it may be green");
    assert!(plain, "green was heard as well");
}

#[test]
fn an_answer_has_the_map_of_the_whole_sound_and_its_likeliest_label() {
    let (image, heard) = (picture(&[(0, 0), (1, 7)]), sound([0.6, 0.9, 0.0, 0.0, 0.0]));
    let mut aligner = Aligner::new(&tiny());
    let answer = aligner.answer(&image, &heard);
    let whole = aligner.similarity(&image, &heard);
    assert_eq!(answer.map.highest(), whole.highest(), "the peak is the whole sound's");
    assert!(answer.map.values.iter().zip(&whole.values).all(|(kept, all)| kept <= all));
    assert!(answer.map.values[0] < 0.1 * whole.values[0], "what is unlike it fades");
    assert!(answer.on_screen && answer.confidence > 0.9);
    assert_eq!(answer.label.as_deref(), Some("Green"));

    let out_of_view = aligner.answer(&image, &sound([0.0, 0.0, 0.9, 0.0, 0.0]));
    assert_eq!((out_of_view.label.as_deref(), out_of_view.on_screen), (Some("Blue"), false));
    assert!(out_of_view.confidence < 0.1);
    let nothing = aligner.answer(&image, &sound([0.0; 5]));
    assert_eq!((nothing.label, nothing.confidence, nothing.on_screen), (None, 0.0, false));
}

#[test]
fn what_all_sorts_of_sounds_raise_says_less_of_where_to_look() {
    let (image, heard) = (picture(&[(0, 0), (1, 7)]), sound([0.6, 0.9, 0.0, 0.0, 0.0]));
    let peak = |pack: &Pack| Aligner::new(pack).answer(&image, &heard).map.peak().0;
    let mut pack = tiny();
    assert_eq!(peak(&pack), [0.875, 0.75]);
    pack.labels.weights = vec![1.0, 0.5, 1.0, 1.0, 1.0];
    assert_eq!(peak(&pack), [0.125, 0.25]);

    let confidence = |pack: &Pack| Aligner::new(pack).answer(&image, &heard).confidence;
    assert!(confidence(&pack) < confidence(&tiny()), "and less of whether it is in view");
}
