//! NumPy's array files, format 1 to 3 (numpy.lib.format): numbers only, never objects.

use std::path::Path;

use super::{bytes_of, wrong};
use crate::error::Result;

/// Arrays of more numbers than this are refused.
const MOST: usize = 1 << 26;

/// An array of numbers, the last axis fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its length along each axis.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub values: Vec<f64>,
}

/// Reads a `.npy` file.
///
/// # Errors
/// As [`parse`], or the file cannot be read.
pub fn read(path: &Path) -> Result<Array> {
    parse(&bytes_of(path)?, &path.display().to_string())
}

/// Reads the bytes of a `.npy` file called `name`: booleans, integers and floats of either byte
/// order, axes in either order.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): it is no such file, is cut short, or holds
/// anything but numbers.
pub fn parse(bytes: &[u8], name: &str) -> Result<Array> {
    let bad = |what: &str| wrong(name, "npy", what);
    let version = match bytes.strip_prefix(b"\x93NUMPY") {
        Some([version @ 1..=3, _, ..]) => *version,
        _ => return Err(bad("is no NumPy array")),
    };
    let (length, start): (usize, usize) = match (version, bytes.get(8..12)) {
        (1, Some([a, b, ..])) => (usize::from(u16::from_le_bytes([*a, *b])), 10),
        (_, Some(&[a, b, c, d])) => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
        _ => return Err(bad("is cut short")),
    };
    let header = bytes.get(start..start.saturating_add(length));
    let header = header.ok_or_else(|| bad("is cut short"))?;
    let header = std::str::from_utf8(header).map_err(|_| bad("has a header that is no text"))?;
    let kind = value_of(header, "descr").and_then(quoted).ok_or_else(|| bad("has no descr"))?;
    let fortran = value_of(header, "fortran_order").is_some_and(|v| v.starts_with("True"));
    let shape = value_of(header, "shape").and_then(tuple).ok_or_else(|| bad("has no shape"))?;
    let count = shape.iter().try_fold(1usize, |all, side| all.checked_mul(*side));
    let count = count.filter(|count| *count <= MOST).ok_or_else(|| bad("is too large"))?;
    let values =
        numbers(kind, &bytes[start + length..], count).map_err(|what| wrong(name, "npy", what))?;
    let values = if fortran { turned(&shape, &values) } else { values };
    Ok(Array { shape, values })
}

/// The text after `'key':` in a header.
fn value_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.split_once('\'').map(|(inside, _)| inside)
}

fn tuple(text: &str) -> Option<Vec<usize>> {
    let (inside, _) = text.strip_prefix('(')?.split_once(')')?;
    let parts = inside.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

/// `count` numbers of a NumPy type such as `<f4`.
pub(super) fn numbers(
    kind: &str,
    bytes: &[u8],
    count: usize,
) -> std::result::Result<Vec<f64>, String> {
    let (big, code) = match kind.split_at_checked(1) {
        Some((">", code)) => (true, code),
        Some(("<" | "|" | "=", code)) => (false, code),
        _ => (false, kind),
    };
    fn all<const N: usize>(
        bytes: &[u8],
        count: usize,
        big: bool,
        value: impl Fn([u8; N]) -> f64,
    ) -> Option<Vec<f64>> {
        let bytes = bytes.get(..count.checked_mul(N)?)?;
        let turned = |mut one: [u8; N]| {
            if big {
                one.reverse();
            }
            value(one)
        };
        Some(bytes.as_chunks::<N>().0.iter().map(|one| turned(*one)).collect())
    }
    let values = match code {
        "b1" | "u1" | "B" => all(bytes, count, big, |[value]: [u8; 1]| f64::from(value)),
        "i1" => all(bytes, count, big, |one| f64::from(i8::from_le_bytes(one))),
        "u2" => all(bytes, count, big, |one| f64::from(u16::from_le_bytes(one))),
        "i2" => all(bytes, count, big, |one| f64::from(i16::from_le_bytes(one))),
        "u4" => all(bytes, count, big, |one| f64::from(u32::from_le_bytes(one))),
        "i4" => all(bytes, count, big, |one| f64::from(i32::from_le_bytes(one))),
        "u8" => all(bytes, count, big, |one| u64::from_le_bytes(one) as f64),
        "i8" => all(bytes, count, big, |one| i64::from_le_bytes(one) as f64),
        "f2" => all(bytes, count, big, |one| half(u16::from_le_bytes(one))),
        "f4" => all(bytes, count, big, |one| f64::from(f32::from_le_bytes(one))),
        "f8" => all(bytes, count, big, f64::from_le_bytes),
        _ => return Err(format!("holds `{kind}`, which is no plain number")),
    };
    values.ok_or_else(|| "holds fewer numbers than it says".to_owned())
}

/// A 16-bit float (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// An array whose first axis is fastest, with the last axis fastest.
pub(super) fn turned(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let place = |mut index: usize| {
        let mut at = 0;
        let mut steps: Vec<usize> = shape
            .iter()
            .scan(1, |step, side| {
                let this = *step;
                *step *= side;
                Some(this)
            })
            .collect();
        for side in shape.iter().rev() {
            let step = steps.pop().unwrap_or(1);
            at += index % side * step;
            index /= side;
        }
        at
    };
    (0..values.len()).map(|index| values.get(place(index)).copied().unwrap_or(0.0)).collect()
}

/// A `.npy` file of 32-bit floats.
#[cfg(test)]
pub fn written(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sides}), }}").into_bytes();
    header.push(b'\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let order = if fortran { "True" } else { "False" };
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn numbers_of_every_kind_and_order_are_read() {
        let read =
            |descr, data: &[u8]| parse(&file(descr, false, "(2,)", data), "a").unwrap().values;
        assert_eq!(read("|u1", &[7, 255]), [7.0, 255.0]);
        assert_eq!(read("|b1", &[0, 1]), [0.0, 1.0]);
        assert_eq!(read("<i2", &[255, 255, 1, 0]), [-1.0, 1.0]);
        assert_eq!(read(">i2", &[255, 254, 0, 1]), [-2.0, 1.0]);
        assert_eq!(read("<f2", &[0, 0x3c, 0, 0xc1]), [1.0, -2.5]);
        let eight: Vec<u8> = [0.25f64, -3.0].iter().flat_map(|v| v.to_be_bytes()).collect();
        assert_eq!(read(">f8", &eight), [0.25, -3.0]);
    }

    #[test]
    fn axes_in_fortran_s_order_are_turned() {
        // Rows 0 1 2 and 3 4 5, stored column by column.
        let array = parse(&file("|u1", true, "(2, 3)", &[0, 3, 1, 4, 2, 5]), "a").unwrap();
        assert_eq!(
            (&array.shape[..], &array.values[..]),
            (&[2, 3][..], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0][..])
        );
        let cube: Vec<f64> = (0..24).map(f64::from).collect();
        let stored = turned(&[4, 3, 2], &cube);
        // Turning the axes' order twice, once each way, gives the array back.
        let back: Vec<f64> = turned(&[2, 3, 4], &stored);
        assert_eq!(back, cube);
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused() {
        for (bytes, part) in [
            (b"PK".to_vec(), "is no NumPy array"),
            (file("|O", false, "(1,)", b"x"), "holds `|O`"),
            (file("<f4", false, "(2,)", &[0; 7]), "fewer numbers"),
            (file("<f4", false, "(99999999999, 99999999999)", &[]), "too large"),
            (b"\x93NUMPY\x01\x00\xff\xff{}".to_vec(), "cut short"),
        ] {
            let error = parse(&bytes, "a.npy").unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, "bytes");
            let _ = parse(&[&b"\x93NUMPY\x01\x00"[..], &bytes].concat(), "bytes");
        }

        #[test]
        fn a_written_array_is_read_again(values in prop::collection::vec(-9f32..9.0, 6)) {
            let array = parse(&written(&[2, 3], &values), "a").unwrap();
            prop_assert_eq!(array.shape, [2, 3]);
            prop_assert!(array.values.iter().zip(&values).all(|(a, b)| *a == f64::from(*b)));
        }
    }
}
