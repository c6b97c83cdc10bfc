use proptest::prelude::*;

use super::super::offer::Steps;
use super::*;

fn fixed(width: u32, height: u32, rates: &[u32]) -> Size {
    let one = |value| Steps { least: value, most: value, step: 1 };
    let intervals = rates.iter().map(|rate| [Interval(1, *rate); 2]).collect();
    Size { width: one(width), height: one(height), intervals }
}

fn offer(code: &[u8; 4], sizes: Vec<Size>) -> Offer {
    let fourcc = Fourcc(u32::from_le_bytes(*code));
    Offer { fourcc, description: String::new(), sizes }
}

fn wish() -> Wish {
    Wish { size: [640, 480], rate: 15.0, format: None }
}

fn chosen(offers: &[Offer], wish: &Wish) -> String {
    choose(offers, wish).unwrap().to_string()
}

/// What a usual webcam on USB 2 offers: uncompressed it is slow where it is large.
fn webcam() -> Vec<Offer> {
    vec![
        offer(
            b"MJPG",
            vec![
                fixed(1920, 1080, &[30]),
                fixed(1280, 720, &[60, 30]),
                fixed(640, 480, &[30, 15, 5]),
                fixed(320, 240, &[30]),
            ],
        ),
        offer(
            b"YUYV",
            vec![
                fixed(640, 480, &[30, 15, 5]),
                fixed(1280, 720, &[10, 5]),
                fixed(1920, 1080, &[5]),
            ],
        ),
        offer(b"H264", vec![fixed(1920, 1080, &[30])]),
    ]
}

#[test]
fn what_is_offered_as_asked_is_taken_in_the_cheapest_format() {
    let choice = choose(&webcam(), &wish()).unwrap();
    assert_eq!(choice.to_string(), "YUYV 640×480, 15/s");
    assert!(choice.reason.starts_with("the cheapest that fits"), "{}", choice.reason);
    assert!(choice.reason.contains("YUYV") && choice.reason.contains("MJPEG"));
}

#[test]
fn a_format_that_is_too_slow_at_the_size_asked_for_gives_way_to_one_that_is_not() {
    let wish = Wish { size: [1280, 720], ..wish() };
    assert_eq!(chosen(&webcam(), &wish), "MJPEG 1280×720, 30/s");
    assert_eq!(chosen(&webcam(), &Wish { rate: 10.0, ..wish }), "YUYV 1280×720, 10/s");
}

#[test]
fn a_format_that_is_asked_for_is_taken_whatever_it_costs() {
    let wish = Wish { format: Some(PixelFormat::Mjpeg), ..wish() };
    let choice = choose(&webcam(), &wish).unwrap();
    assert_eq!(choice.to_string(), "MJPEG 640×480, 15/s");
    assert_eq!(choice.reason, "the format that was asked for");
}

#[test]
fn colour_comes_before_shape_shape_before_size_and_size_before_rate() {
    let grey = offer(b"GREY", vec![fixed(640, 480, &[15])]);
    let wide = offer(b"MJPG", vec![fixed(1280, 720, &[30])]);
    assert_eq!(chosen(&[grey.clone(), wide.clone()], &wish()), "MJPEG 1280×720, 30/s");
    let small = offer(b"YUYV", vec![fixed(320, 240, &[15])]);
    assert_eq!(chosen(&[wide, small.clone()], &wish()), "YUYV 320×240, 15/s");
    let slow = offer(b"YUYV", vec![fixed(640, 480, &[5])]);
    assert_eq!(chosen(&[small, slow.clone()], &wish()), "YUYV 640×480, 5/s");
    let choice = choose(&[slow], &wish()).unwrap();
    assert_eq!(choice.reason, "the nearest to what was asked for; it is slower than asked");
    let choice = choose(&[grey], &wish()).unwrap();
    assert!(choice.reason.contains("no colour"), "{}", choice.reason);
}

#[test]
fn of_the_sizes_that_are_large_enough_the_smallest_is_taken() {
    let sizes = vec![fixed(2592, 1944, &[15]), fixed(1280, 960, &[15]), fixed(320, 240, &[30])];
    assert_eq!(chosen(&[offer(b"YUYV", sizes)], &wish()), "YUYV 1280×960, 15/s");
    let sizes = vec![fixed(160, 120, &[15]), fixed(320, 240, &[15])];
    assert_eq!(chosen(&[offer(b"YUYV", sizes)], &wish()), "YUYV 320×240, 15/s");
}

#[test]
fn another_shape_is_said_because_the_field_of_view_belongs_to_it() {
    let choice = choose(&[offer(b"YUYV", vec![fixed(1280, 720, &[15])])], &wish()).unwrap();
    assert!(choice.reason.contains("check hfov_deg"), "{}", choice.reason);
}

#[test]
fn the_slowest_rate_that_reaches_the_wish_is_taken() {
    let sizes = vec![fixed(640, 480, &[60, 30, 25, 10])];
    assert_eq!(chosen(&[offer(b"YUYV", sizes)], &wish()), "YUYV 640×480, 25/s");
    let ntsc = Size { intervals: vec![[Interval(1001, 15_000); 2]], ..fixed(640, 480, &[]) };
    let choice = choose(&[offer(b"YUYV", vec![ntsc])], &wish()).unwrap();
    assert_eq!(choice.to_string(), "YUYV 640×480, 14.99/s");
    assert_eq!(choice.reason, "the only one that fits");
}

#[test]
fn ranges_of_sizes_and_rates_give_what_was_asked_for() {
    let range = Size {
        width: Steps { least: 48, most: 1920, step: 2 },
        height: Steps { least: 32, most: 1080, step: 2 },
        intervals: vec![[Interval(1, 60), Interval(1, 2)]],
    };
    let offers = [offer(b"NV12", vec![range])];
    assert_eq!(chosen(&offers, &wish()), "NV12 640×480, 15/s");
    assert_eq!(chosen(&offers, &Wish { rate: 100.0, ..wish() }), "NV12 640×480, 60/s");
    assert_eq!(chosen(&offers, &Wish { rate: 1.0, ..wish() }), "NV12 640×480, 2/s");
}

#[test]
fn a_driver_that_lists_neither_sizes_nor_rates_is_asked_for_the_wish() {
    assert_eq!(chosen(&[offer(b"YUYV", vec![])], &wish()), "YUYV 640×480, 15/s");
    let unsaid = fixed(640, 480, &[]);
    assert_eq!(chosen(&[offer(b"YUYV", vec![unsaid])], &wish()), "YUYV 640×480, 15/s");
}

#[test]
fn nothing_that_can_be_used_is_said_with_what_was_asked_and_what_is_offered() {
    let offers = [offer(b"H264", vec![]), offer(b"pBAA", vec![])];
    let wrong = choose(&offers, &wish()).unwrap_err();
    assert_eq!(wrong, "offers no format that can be used; it offers H264, pBAA");
    let wish = Wish { format: Some(PixelFormat::Nv12), ..wish() };
    let wrong = choose(&webcam(), &wish).unwrap_err();
    assert_eq!(wrong, "does not offer NV12; it offers MJPG, YUYV, H264");
    assert!(choose(&[], &wish).unwrap_err().ends_with("it offers nothing"));
}

proptest! {
    #[test]
    fn whatever_a_driver_says_the_choice_is_one_of_its_formats(
        sizes in proptest::collection::vec(
            (any::<[u32; 6]>(), proptest::collection::vec(any::<[u32; 4]>(), 0..3)), 0..4),
        width in 16_u32..16_384, height in 16_u32..16_384, rate in 0.1_f64..240.0,
    ) {
        let steps = |least, most, step| Steps { least, most, step };
        let sizes = sizes.into_iter().map(|(s, intervals)| Size {
            width: steps(s[0], s[1], s[2]),
            height: steps(s[3], s[4], s[5]),
            intervals: intervals
                .into_iter()
                .map(|i| [Interval(i[0], i[1]), Interval(i[2], i[3])])
                .collect(),
        });
        let offers = [offer(b"H264", vec![]), offer(b"YUYV", sizes.collect())];
        let choice = choose(&offers, &Wish { size: [width, height], rate, format: None }).unwrap();
        prop_assert_eq!(choice.format, PixelFormat::Yuyv);
        prop_assert!(choice.interval.rate() > 0.0);
    }
}
