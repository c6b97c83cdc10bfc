//! `tyto check --devices`: what cameras and microphones there are, and which would be used.

use std::io::{self, Write};

use serde::Serialize;
use tyto::capture::camera::{self, Found, Interval, Offer, Rate, Size, Steps, Wanted};
use tyto::capture::microphone::{self, Found as Microphone};
use tyto::config::{Board, Config};
use tyto::error::Result;

/// What was found, as `--json` prints it.
#[derive(Serialize)]
struct Devices {
    cameras: Vec<Camera>,
    microphones: Vec<Card>,
    /// What `tyto run` would open.
    camera: Use,
    microphone: Use,
}

#[derive(Serialize)]
struct Card {
    device: String,
    card: String,
    name: String,
    part: String,
    #[serde(flatten)]
    offer: Option<MicrophoneOffer>,
    /// Why it could not be asked what it offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// What a microphone offers by itself; channels and rates from the least to the most.
#[derive(Serialize)]
struct MicrophoneOffer {
    formats: String,
    channels: [u32; 2],
    rates: [u32; 2],
}

#[derive(Serialize)]
struct Camera {
    path: String,
    card: String,
    driver: String,
    bus: String,
    links: Vec<String>,
    formats: Vec<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

#[derive(Serialize)]
struct Format {
    fourcc: String,
    description: String,
    /// Whether its pictures can be used.
    usable: bool,
    sizes: Vec<Sized>,
}

#[derive(Serialize)]
struct Sized {
    /// From the smallest to the largest.
    width: [u32; 2],
    height: [u32; 2],
    /// From the slowest to the fastest, pictures a second.
    rates: Vec<[f64; 2]>,
}

/// What would be used, or why nothing would.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Use {
    /// The device and what it would be set to.
    Used(String),
    /// What is wrong.
    Error(String),
}

/// Lists the devices and says which of them the configuration means. The microphone is opened
/// for that, the camera only asked.
///
/// # Errors
/// The configuration is faulty, or the camera or the microphone that it means is not there or
/// cannot be used; that is said after the list.
pub fn run(config: &Config, json: bool) -> anyhow::Result<()> {
    let (board, _) = config.board()?;
    let cameras = camera::list(board.camera.width, board.camera.height);
    let microphones: Vec<Card> = microphone::list().iter().map(Card::from).collect();
    let camera = camera_used(&board);
    let microphone = microphone_used(&board);
    let mut out = io::stdout().lock();
    if json {
        let devices = Devices {
            cameras: cameras.iter().map(Camera::from).collect(),
            microphones,
            camera: Use::from(&camera),
            microphone: Use::from(&microphone),
        };
        serde_json::to_writer(&mut out, &devices).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        cameras.iter().try_for_each(|found| write_camera(&mut out, found))?;
        microphones.iter().try_for_each(|card| write_microphone(&mut out, card))?;
        for (what, used) in [("camera used", &camera), ("microphone used", &microphone)] {
            match used {
                Ok(used) => writeln!(out, "{what:<17}{used}")?,
                Err(_) => writeln!(out, "{what:<17}none")?,
            }
        }
    }
    out.flush()?;
    match (camera, microphone) {
        (Err(camera), Err(microphone)) => {
            log::error!("{microphone}");
            Err(camera.into())
        }
        (Err(error), _) | (_, Err(error)) => Err(error.into()),
        (Ok(_), Ok(_)) => Ok(()),
    }
}

/// The camera that would be opened, and how it would be set.
fn camera_used(board: &Board) -> Result<String> {
    let (path, card, choice) = camera::would_open(&Wanted::from(&board.camera))?;
    Ok(format!("{} ({card}): {choice}: {}", path.display(), choice.reason))
}

/// The microphone that would be opened, and what it would deliver.
fn microphone_used(board: &Board) -> Result<String> {
    let source = microphone::open(&microphone::Wanted::from(&board.microphone))?;
    let described = source.describe();
    Ok(described.strip_prefix("microphone ").unwrap_or(&described).to_owned())
}

fn write_microphone(out: &mut impl Write, card: &Card) -> io::Result<()> {
    let Card { device, name, part, offer, fault, .. } = card;
    writeln!(out, "microphone       {device} ({name}, {part})")?;
    if let Some(fault) = fault {
        writeln!(out, "                 {fault}")?;
    }
    let Some(MicrophoneOffer { formats, channels, rates }) = offer else { return Ok(()) };
    let (channels, rates) = (between(channels), between(rates));
    writeln!(out, "    {formats}; channels: {channels}; samples a second: {rates}")
}

fn between([least, most]: &[u32; 2]) -> String {
    if least == most { least.to_string() } else { format!("{least}–{most}") }
}

fn write_camera(out: &mut impl Write, camera: &Found) -> io::Result<()> {
    let path = camera.path.display();
    match &camera.fault {
        Some(fault) => writeln!(out, "camera           {path}: {fault}")?,
        None => {
            let Found { card, driver, bus, .. } = camera;
            writeln!(out, "camera           {path} ({card}, driver {driver}, {bus})")?;
        }
    }
    for link in &camera.links {
        writeln!(out, "                 {}", link.display())?;
    }
    let (usable, other): (Vec<&Offer>, Vec<&Offer>) =
        camera.offers.iter().partition(|offer| offer.format().is_some());
    let codes = |offers: &[&Offer]| {
        let codes: Vec<String> = offers.iter().map(|offer| offer.fourcc.to_string()).collect();
        codes.join(", ")
    };
    // Most cameras offer every format in the same sizes: those are said once.
    for alike in usable.chunk_by(|one, next| one.sizes == next.sizes) {
        let sizes = alike.first().map_or(&[][..], |offer| &offer.sizes);
        writeln!(out, "                 {}: {}", codes(alike), all_sizes(sizes))?;
    }
    if !other.is_empty() {
        writeln!(out, "                 not usable: {}", codes(&other))?;
    }
    Ok(())
}

fn all_sizes(sizes: &[Size]) -> String {
    let sizes: Vec<String> = sizes.iter().map(size).collect();
    if sizes.is_empty() { "any size".to_owned() } else { sizes.join(", ") }
}

fn size(size: &Size) -> String {
    let steps = |steps: &Steps| match (steps.least, steps.most) {
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least}–{most}"),
    };
    let (width, height) = (steps(&size.width), steps(&size.height));
    let rates: Vec<String> = size.intervals.iter().map(rates).collect();
    if rates.is_empty() {
        format!("{width}×{height}")
    } else {
        format!("{width}×{height} ({}/s)", rates.join(" "))
    }
}

fn rates([short, long]: &[Interval; 2]) -> String {
    if short == long {
        Rate(short.rate()).to_string()
    } else {
        format!("{}–{}", Rate(long.rate()), Rate(short.rate()))
    }
}

impl From<&Result<String>> for Use {
    fn from(used: &Result<String>) -> Self {
        match used {
            Ok(used) => Use::Used(used.clone()),
            Err(error) => Use::Error(error.to_string()),
        }
    }
}

impl From<&Microphone> for Card {
    fn from(found: &Microphone) -> Self {
        let offer = microphone::offer(Some(&found.device));
        let fault = offer.as_ref().err().map(ToString::to_string);
        let offer = offer.ok().map(|offer| MicrophoneOffer {
            formats: offer.formats,
            channels: offer.channels.into(),
            rates: offer.rates.into(),
        });
        Card {
            device: found.device.clone(),
            card: found.card.clone(),
            name: found.name.clone(),
            part: found.part.clone(),
            offer,
            fault,
        }
    }
}

impl From<&Found> for Camera {
    fn from(found: &Found) -> Self {
        Camera {
            path: found.path.display().to_string(),
            card: found.card.clone(),
            driver: found.driver.clone(),
            bus: found.bus.clone(),
            links: found.links.iter().map(|link| link.display().to_string()).collect(),
            formats: found.offers.iter().map(Format::from).collect(),
            fault: found.fault.clone(),
        }
    }
}

impl From<&Offer> for Format {
    fn from(offer: &Offer) -> Self {
        let sizes = offer.sizes.iter().map(|size| Sized {
            width: [size.width.least, size.width.most],
            height: [size.height.least, size.height.most],
            rates: size.intervals.iter().map(|[short, long]| [long.rate(), short.rate()]).collect(),
        });
        Format {
            fourcc: offer.fourcc.to_string(),
            description: offer.description.clone(),
            usable: offer.format().is_some(),
            sizes: sizes.collect(),
        }
    }
}
