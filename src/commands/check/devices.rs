//! `tyto check --devices`: what cameras there are, and which would be used.

use std::io::{self, Write};

use serde::Serialize;
use tyto::capture::camera::{self, Found, Interval, Offer, Rate, Size, Steps, Wanted};
use tyto::config::Config;

/// What was found.
#[derive(Serialize)]
struct Devices {
    cameras: Vec<Camera>,
    /// What `tyto run` would open.
    camera: Use,
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
#[serde(untagged)]
enum Use {
    Found { path: String, card: String, setting: String, reason: String },
    Missing { error: String },
}

/// Lists the devices and says which of them the configuration means.
///
/// # Errors
/// The configuration is faulty, or the device that it means is not there or cannot be used;
/// that is said after the list.
pub fn run(config: &Config, json: bool) -> anyhow::Result<()> {
    let (board, _) = config.board()?;
    let wanted = Wanted::from(&board.camera);
    let found = camera::list(wanted.width, wanted.height);
    let chosen = camera::would_open(&wanted);
    let mut out = io::stdout().lock();
    if json {
        let devices = Devices {
            cameras: found.iter().map(Camera::from).collect(),
            camera: match &chosen {
                Ok((path, card, choice)) => Use::Found {
                    path: path.display().to_string(),
                    card: card.clone(),
                    setting: choice.to_string(),
                    reason: choice.reason.clone(),
                },
                Err(error) => Use::Missing { error: error.to_string() },
            },
        };
        serde_json::to_writer(&mut out, &devices).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        found.iter().try_for_each(|camera| write_camera(&mut out, camera))?;
        if let Ok((path, card, choice)) = &chosen {
            writeln!(out, "camera used      {} ({card})", path.display())?;
            writeln!(out, "                 {choice}: {}", choice.reason)?;
        }
    }
    out.flush()?;
    chosen?;
    Ok(())
}

fn write_camera(out: &mut impl Write, camera: &Found) -> io::Result<()> {
    let path = camera.path.display();
    writeln!(
        out,
        "camera           {path} ({}, driver {}, {})",
        camera.card, camera.driver, camera.bus
    )?;
    for link in &camera.links {
        writeln!(out, "                 {}", link.display())?;
    }
    if let Some(fault) = &camera.fault {
        writeln!(out, "                 {fault}")?;
    }
    camera.offers.iter().try_for_each(|offer| write_offer(out, offer))
}

fn write_offer(out: &mut impl Write, offer: &Offer) -> io::Result<()> {
    let unusable = if offer.format().is_some() { "" } else { " (cannot be used)" };
    let sizes: Vec<String> = offer.sizes.iter().map(size).collect();
    let sizes = if sizes.is_empty() { "any size".to_owned() } else { sizes.join(", ") };
    writeln!(out, "    {:<13}{sizes}{unusable}", offer.fourcc.to_string())
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
