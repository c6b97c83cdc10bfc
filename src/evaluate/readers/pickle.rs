//! One NumPy array in a pickle, and nothing else.
//!
//! Pickles are programs. This runs a handful of their instructions (pickletools, protocols 2 to 5)
//! that build numbers, strings, tuples and one array, and refuses every other instruction and every
//! name but those of NumPy's own array: nothing is ever called.

use super::npy::{Array, numbers, turned};
use super::wrong;
use crate::error::Result;

/// Instructions that are run at most.
const MOST_STEPS: usize = 10_000;

/// What is on the stack.
#[derive(Clone, Debug)]
enum Value {
    Mark,
    None,
    Bool(bool),
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    Tuple(Vec<Value>),
    /// A name of NumPy's, and whether it makes an array, a type, or bytes.
    Maker(Maker),
    /// A type such as `f4`, and its byte order once it has one.
    Kind(String, char),
    Array(Option<Array>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Maker {
    Reconstruct,
    FromBuffer,
    NdArray,
    Dtype,
    Encode,
}

/// Reads the array in a pickle called `name`.
///
/// # Errors
/// [`Kind::Media`](crate::error::Kind::Media): it is no pickle, does more than build one array of
/// numbers, or is cut short.
pub fn parse(bytes: &[u8], name: &str) -> Result<Array> {
    let mut machine = Machine { bytes, at: 0, stack: Vec::new(), memo: Vec::new() };
    machine.run().map_err(|what| {
        wrong(name, format!("byte {}", machine.at), what)
            .hint("only a pickle of one NumPy array of numbers is read; save it as .npy")
    })
}

type Step<T> = std::result::Result<T, &'static str>;

const SHORT: &str = "the pickle is cut short";
const TANGLED: &str = "the pickle does not build an array";

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    memo: Vec<Value>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let end = self.at.checked_add(count).ok_or(SHORT)?;
        let taken = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(taken)
    }

    fn line(&mut self) -> Step<&'a str> {
        let rest = self.bytes.get(self.at..).ok_or(SHORT)?;
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or(SHORT)?;
        let line = self.take(length)?;
        self.at += 1;
        std::str::from_utf8(line).map_err(|_| TANGLED)
    }

    /// A little-endian number of up to eight bytes.
    fn number(&mut self, bytes: usize) -> Step<usize> {
        let taken = self.take(bytes)?;
        let value = taken.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(value).map_err(|_| SHORT)
    }

    fn pop(&mut self) -> Step<Value> {
        self.stack.pop().ok_or(TANGLED)
    }

    fn text(&mut self, length: usize) -> Step<Value> {
        let bytes = self.take(length)?;
        Ok(Value::Text(std::str::from_utf8(bytes).map_err(|_| TANGLED)?.to_owned()))
    }

    fn tuple(&mut self, count: usize) -> Step<()> {
        let start = self.stack.len().checked_sub(count).ok_or(TANGLED)?;
        let parts = self.stack.split_off(start);
        self.stack.push(Value::Tuple(parts));
        Ok(())
    }

    fn remember(&mut self, place: usize) -> Step<()> {
        let top = self.stack.last().ok_or(TANGLED)?.clone();
        if place > self.memo.len() + 1000 {
            return Err(TANGLED);
        }
        if place >= self.memo.len() {
            self.memo.resize(place + 1, Value::None);
        }
        self.memo[place] = top;
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Step<()> {
        let value = self.memo.get(place).ok_or(TANGLED)?.clone();
        self.stack.push(value);
        Ok(())
    }

    fn run(&mut self) -> Step<Array> {
        for _ in 0..MOST_STEPS {
            let instruction = self.take(1)?[0];
            match instruction {
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.stack.push(Value::Mark),
                b')' => self.stack.push(Value::Tuple(Vec::new())),
                b'N' => self.stack.push(Value::None),
                0x88 | 0x89 => self.stack.push(Value::Bool(instruction == 0x88)),
                b'K' | b'M' => {
                    let value = self.number(if instruction == b'K' { 1 } else { 2 })?;
                    self.stack.push(Value::Int(value as i64));
                }
                b'J' => {
                    let value = self.number(4)? as u32 as i32;
                    self.stack.push(Value::Int(i64::from(value)));
                }
                0x8a => {
                    let length = self.number(1)?;
                    let value = self.number(length.min(9))?;
                    self.stack.push(Value::Int(i64::try_from(value).map_err(|_| TANGLED)?));
                }
                b'X' | 0x8c | 0x8d => {
                    let wide = match instruction {
                        b'X' => 4,
                        0x8c => 1,
                        _ => 8,
                    };
                    let length = self.number(wide)?;
                    let text = self.text(length)?;
                    self.stack.push(text);
                }
                b'B' | b'C' | 0x8e | 0x96 => {
                    let wide = match instruction {
                        b'B' => 4,
                        b'C' => 1,
                        _ => 8,
                    };
                    let length = self.number(wide)?;
                    let bytes = self.take(length)?.to_vec();
                    self.stack.push(Value::Bytes(bytes));
                }
                0x85..=0x87 => self.tuple(usize::from(instruction - 0x84))?,
                b't' => {
                    let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark));
                    let mark = mark.ok_or(TANGLED)?;
                    self.tuple(self.stack.len() - mark - 1)?;
                    let tuple = self.pop()?;
                    self.pop()?;
                    self.stack.push(tuple);
                }
                b'q' | b'r' => {
                    let place = self.number(if instruction == b'q' { 1 } else { 4 })?;
                    self.remember(place)?;
                }
                0x94 => self.remember(self.memo.len())?,
                b'h' | b'j' => {
                    let place = self.number(if instruction == b'h' { 1 } else { 4 })?;
                    self.recall(place)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.stack.push(maker(module, name)?);
                }
                0x93 => {
                    let (Value::Text(name), Value::Text(module)) = (self.pop()?, self.pop()?)
                    else {
                        return Err(TANGLED);
                    };
                    self.stack.push(maker(&module, &name)?);
                }
                b'R' => {
                    let (Value::Tuple(given), Value::Maker(maker)) = (self.pop()?, self.pop()?)
                    else {
                        return Err(TANGLED);
                    };
                    self.stack.push(made(maker, &given)?);
                }
                b'b' => {
                    let (state, thing) = (self.pop()?, self.pop()?);
                    self.stack.push(built(thing, state)?);
                }
                b'.' => {
                    return match self.pop()? {
                        Value::Array(Some(array)) => Ok(array),
                        _ => Err(TANGLED),
                    };
                }
                _ => return Err("the pickle holds more than one array"),
            }
        }
        Err(TANGLED)
    }
}

fn maker(module: &str, name: &str) -> Step<Value> {
    let maker = match (module, name) {
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Maker::Reconstruct,
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Maker::FromBuffer,
        ("numpy", "ndarray") => Maker::NdArray,
        ("numpy", "dtype") => Maker::Dtype,
        ("_codecs", "encode") => Maker::Encode,
        _ => return Err("the pickle names something that is no part of an array"),
    };
    Ok(Value::Maker(maker))
}

fn made(maker: Maker, given: &[Value]) -> Step<Value> {
    match (maker, given) {
        (Maker::Reconstruct, _) => Ok(Value::Array(None)),
        (Maker::Dtype, [Value::Text(kind), ..]) => Ok(Value::Kind(kind.clone(), '|')),
        // Protocol 2 has bytes as text whose characters are all below 256.
        (Maker::Encode, [Value::Text(text), Value::Text(_)]) => {
            let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| TANGLED));
            Ok(Value::Bytes(bytes.collect::<Step<_>>()?))
        }
        (
            Maker::FromBuffer,
            [Value::Bytes(bytes), Value::Kind(kind, order), Value::Tuple(shape), Value::Text(axes)],
        ) => array(shape, kind, *order, axes == "F", bytes),
        _ => Err(TANGLED),
    }
}

fn built(thing: Value, state: Value) -> Step<Value> {
    match (thing, state) {
        (Value::Kind(kind, _), Value::Tuple(state)) => match state.get(1) {
            Some(Value::Text(order)) => Ok(Value::Kind(kind, order.chars().next().unwrap_or('|'))),
            _ => Err(TANGLED),
        },
        (Value::Array(None), Value::Tuple(state)) => match &state[..] {
            [
                _,
                Value::Tuple(shape),
                Value::Kind(kind, order),
                Value::Bool(fortran),
                Value::Bytes(bytes),
            ] => array(shape, kind, *order, *fortran, bytes),
            _ => Err("the pickle's array holds no plain numbers"),
        },
        _ => Err(TANGLED),
    }
}

fn array(shape: &[Value], kind: &str, order: char, fortran: bool, bytes: &[u8]) -> Step<Value> {
    let side = |value: &Value| match value {
        Value::Int(side) => usize::try_from(*side).map_err(|_| TANGLED),
        _ => Err(TANGLED),
    };
    let shape: Vec<usize> = shape.iter().map(side).collect::<Step<_>>()?;
    let count = shape.iter().try_fold(1usize, |all, side| all.checked_mul(*side)).ok_or(TANGLED)?;
    if count > bytes.len() {
        return Err(SHORT);
    }
    let values = numbers(&format!("{order}{kind}"), bytes, count)
        .map_err(|_| "the pickle's array holds no plain numbers")?;
    let values = if fortran { turned(&shape, &values) } else { values };
    Ok(Value::Array(Some(Array { shape, values })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `pickle.dumps(np.array([[0, 1, 2], [3, 4, 5]], "<i2"), protocol)` of NumPy 2.
    fn pickled(protocol: u8) -> Vec<u8> {
        let name = format!("tests/vectors/evaluate/array_{protocol}.pkl");
        std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
    }

    #[test]
    fn an_array_is_read_from_every_protocol() {
        for protocol in 2..=5 {
            let array = parse(&pickled(protocol), "p").unwrap();
            assert_eq!(array.shape, [2, 3], "protocol {protocol}");
            assert_eq!(array.values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        }
    }

    #[test]
    fn a_pickle_that_calls_anything_is_refused() {
        for evil in
            [&b"cos\nsystem\n(X\x04\x00\x00\x00echotR."[..], b"\x80\x02cbuiltins\neval\n)R."]
        {
            let error = parse(evil, "p.pkl").unwrap_err().to_string();
            assert!(error.contains("no part of an array"), "{error}");
        }
        assert!(parse(b"\x80\x02K\x01.", "p").is_err());
        assert!(parse(b"", "p").unwrap_err().to_string().contains("cut short"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, "bytes");
        }

        #[test]
        fn a_damaged_pickle_is_read_or_refused(protocol in 2u8..=5, at in 0usize..150, byte: u8) {
            let mut bytes = pickled(protocol);
            let place = at % bytes.len();
            bytes[place] = byte;
            let _ = parse(&bytes, "bytes");
            let _ = parse(&bytes[..place], "bytes");
        }
    }
}
