use super::*;

fn photo(width: u32, height: u32) -> Picture {
    Picture { width, height, rgb: vec![110; (width * height * 3) as usize] }
}

fn hill() -> SimilarityMap {
    let value = |x: usize, y: usize| 0.8 - 0.1 * (x.abs_diff(2) + y.abs_diff(3)) as f32;
    let values = (0..49).map(|place| value(place % 7, place / 7)).collect();
    SimilarityMap { width: 7, height: 7, values }
}

fn dog(map: &SimilarityMap) -> Mark<'_> {
    Mark {
        label: "Dog",
        confidence: 0.91,
        on_screen: true,
        map,
        peak: [0.36, 0.5],
        extent: [0.2, 0.3, 0.5, 0.7],
        azimuth_deg: Some(12.9),
    }
}

#[test]
fn a_scene_without_sources_and_caption_is_the_picture_itself() {
    let picture = photo(64, 48);
    assert_eq!(draw(&Scene { picture: &picture, sources: &[], caption: "" }), picture);
}

#[test]
fn a_source_in_view_heats_its_place_more_than_the_far_corner() {
    let (picture, map) = (photo(320, 240), hill());
    let drawn = draw(&Scene { picture: &picture, sources: &[dog(&map)], caption: "" });
    let light = |x: usize, y: usize| drawn.rgb[(y * 320 + x) * 3];
    assert!(light(105, 110) > 150, "{}", light(105, 110));
    assert!(light(310, 10) < 110, "{}", light(310, 10));
    assert_eq!((drawn.width, drawn.height), (320, 240));
}

#[test]
fn a_source_out_of_view_is_listed_above_right_and_changes_nothing_else() {
    let (picture, map) = (photo(640, 480), hill());
    let unseen = Mark { on_screen: false, ..dog(&map) };
    let drawn = draw(&Scene { picture: &picture, sources: &[unseen], caption: "" });
    let changed = drawn.rgb.chunks(3).enumerate().filter(|(_, pixel)| *pixel != [110; 3]);
    let places: Vec<(usize, usize)> = changed.map(|(at, _)| (at % 640, at / 640)).collect();
    assert!(places.len() > 500);
    assert!(places.iter().all(|(x, y)| *x > 320 && *y < 60));
}

#[test]
fn the_caption_stands_below_on_the_left() {
    let picture = photo(640, 480);
    let drawn = draw(&Scene { picture: &picture, sources: &[], caption: "00:01.2" });
    let changed = drawn.rgb.chunks(3).enumerate().filter(|(_, pixel)| *pixel != [110; 3]);
    let places: Vec<(usize, usize)> = changed.map(|(at, _)| (at % 640, at / 640)).collect();
    assert!(places.len() > 500);
    assert!(places.iter().all(|(x, y)| *x < 320 && *y > 420));
}

#[test]
fn bearings_are_told_in_words() {
    assert_eq!(bearing(12.94), "12.9° left");
    assert_eq!(bearing(-3.0), "3.0° right");
    assert_eq!(bearing(0.04), "ahead");
    assert_eq!(bearing(-0.04), "ahead");
}

#[test]
fn long_labels_lose_their_synonyms_and_short_ones_nothing() {
    assert_eq!(short("Bird vocalization, bird call, bird song"), "Bird vocalization");
    assert_eq!(short("Male speech, man speaking"), "Male speech");
    assert_eq!(short("Rail, train"), "Rail, train");
    assert_eq!(short("Domestic animals or pets"), "Domestic animals or pets");
}

#[test]
fn no_confidence_is_shown_as_certainty() {
    assert_eq!([0.0, 0.456, 0.999, 1.0, 7.0].map(percent), ["0%", "46%", "99%", "99%", "99%"]);
}

#[test]
fn colours_depend_on_the_label_alone_until_two_would_share_one() {
    let map = hill();
    let cat = Mark { label: "Cat", ..dog(&map) };
    let alone = colours(&[dog(&map)]);
    assert_eq!(colours(&[dog(&map), cat])[0], alone[0]);
    let twins = colours(&[dog(&map), dog(&map)]);
    assert_ne!(twins[0], twins[1]);
    assert_eq!(colours(&[dog(&map); 20]).len(), 20);
}

#[test]
fn no_size_and_no_value_makes_it_panic() {
    let good = hill();
    let bad = SimilarityMap { width: 3, height: 3, values: vec![f32::NAN; 4] };
    let wild = [f32::NAN, f32::INFINITY, -3.0, 0.0, 1.0, 7.0];
    for (width, height) in [(0, 0), (1, 1), (2, 90), (90, 2), (33, 47)] {
        let picture = photo(width, height);
        for a in wild {
            for b in wild {
                let mark = Mark {
                    label: "梟, \n\u{202e}owl",
                    confidence: a,
                    on_screen: true,
                    map: if a.is_nan() { &bad } else { &good },
                    peak: [a, b],
                    extent: [b, a, a, b],
                    azimuth_deg: Some(f64::from(b)),
                };
                let hidden = Mark { on_screen: false, ..mark };
                let scene = Scene { picture: &picture, sources: &[mark, hidden], caption: "\t" };
                assert_eq!(draw(&scene).rgb.len(), picture.rgb.len());
            }
        }
    }
}
