//! The encoding of protocol buffers, as far as ONNX's messages use it.
//!
//! A message is a sequence of fields, each a key (its number and how its value is encoded) and a value. Fields that a
//! message here does not have are skipped, as the format asks.

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DecodeError(&'static str);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

type Result<T, E = DecodeError> = std::result::Result<T, E>;

const WRONG_TYPE: DecodeError = DecodeError("a field has a value of another type");
const ENDS_EARLY: DecodeError = DecodeError("a message ends early");

/// The value of a field as it is encoded.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoded<'a> {
    Varint(u64),
    Fixed32([u8; 4]),
    Fixed64([u8; 8]),
    /// Texts, bytes, messages, and repeated numbers one after the other.
    Bytes(&'a [u8]),
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (first, rest) = bytes.split_at_checked(length).ok_or(ENDS_EARLY)?;
    *bytes = rest;
    Ok(first)
}

fn split_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk().ok_or(ENDS_EARLY)?;
    *bytes = rest;
    Ok(*first)
}

/// Seven bits a byte, the lowest first; the eighth says that there are more.
fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = split_array(bytes)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(DecodeError("a number is too long"))
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(number: u64, bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(number << 3 | 2, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A message: a struct whose fields have numbers.
pub(super) trait Message: Default {
    /// Takes the value of a field.
    fn merge(&mut self, number: u64, value: Encoded<'_>) -> Result<()>;

    /// Appends all fields.
    fn write(&self, out: &mut Vec<u8>);

    fn decode(mut bytes: &[u8]) -> Result<Self> {
        let mut message = Self::default();
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let value = match key & 7 {
                0 => Encoded::Varint(varint(&mut bytes)?),
                1 => Encoded::Fixed64(split_array(&mut bytes)?),
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).map_err(|_| ENDS_EARLY)?;
                    Encoded::Bytes(split(&mut bytes, length)?)
                }
                5 => Encoded::Fixed32(split_array(&mut bytes)?),
                _ => return Err(DecodeError("a field is encoded in an unknown way")),
            };
            message.merge(key >> 3, value)?;
        }
        Ok(message)
    }

    fn encode_to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

/// The type of a single value.
pub(super) trait Value: Sized {
    fn read(value: Encoded<'_>) -> Result<Self>;

    fn write(&self, number: u64, out: &mut Vec<u8>);

    /// Appends the value or values of a repeated field: numbers may lie one after the other in one value.
    fn read_repeated(value: Encoded<'_>, all: &mut Vec<Self>) -> Result<()> {
        all.push(Self::read(value)?);
        Ok(())
    }
}

macro_rules! impl_integer {
    ($($integer:ty),+) => {$(
        impl Value for $integer {
            fn read(value: Encoded<'_>) -> Result<Self> {
                match value {
                    // Negative numbers are encoded as those of 64 bits.
                    Encoded::Varint(value) => Ok(value as Self),
                    _ => Err(WRONG_TYPE),
                }
            }

            fn write(&self, number: u64, out: &mut Vec<u8>) {
                put_varint(number << 3, out);
                put_varint(i64::from(*self) as u64, out);
            }

            fn read_repeated(value: Encoded<'_>, all: &mut Vec<Self>) -> Result<()> {
                let Encoded::Bytes(mut bytes) = value else {
                    all.push(Self::read(value)?);
                    return Ok(());
                };
                while !bytes.is_empty() {
                    all.push(varint(&mut bytes)? as Self);
                }
                Ok(())
            }
        }
    )+};
}
impl_integer!(i32, i64);

macro_rules! impl_float {
    ($($float:ty: $fixed:ident $kind:literal),+) => {$(
        impl Value for $float {
            fn read(value: Encoded<'_>) -> Result<Self> {
                match value {
                    Encoded::$fixed(bytes) => Ok(Self::from_le_bytes(bytes)),
                    _ => Err(WRONG_TYPE),
                }
            }

            fn write(&self, number: u64, out: &mut Vec<u8>) {
                put_varint(number << 3 | $kind, out);
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read_repeated(value: Encoded<'_>, all: &mut Vec<Self>) -> Result<()> {
                let Encoded::Bytes(mut bytes) = value else {
                    all.push(Self::read(value)?);
                    return Ok(());
                };
                all.reserve(bytes.len() / size_of::<Self>());
                while !bytes.is_empty() {
                    all.push(Self::from_le_bytes(split_array(&mut bytes)?));
                }
                Ok(())
            }
        }
    )+};
}
impl_float!(f32: Fixed32 5, f64: Fixed64 1);

impl Value for Vec<u8> {
    fn read(value: Encoded<'_>) -> Result<Self> {
        match value {
            Encoded::Bytes(bytes) => Ok(bytes.to_vec()),
            _ => Err(WRONG_TYPE),
        }
    }

    fn write(&self, number: u64, out: &mut Vec<u8>) {
        put_bytes(number, self, out);
    }
}

impl Value for String {
    fn read(value: Encoded<'_>) -> Result<Self> {
        Self::from_utf8(Vec::read(value)?).map_err(|_| DecodeError("a text is not UTF-8"))
    }

    fn write(&self, number: u64, out: &mut Vec<u8>) {
        put_bytes(number, self.as_bytes(), out);
    }
}

impl<M: Message> Value for M {
    fn read(value: Encoded<'_>) -> Result<Self> {
        match value {
            Encoded::Bytes(bytes) => Self::decode(bytes),
            _ => Err(WRONG_TYPE),
        }
    }

    fn write(&self, number: u64, out: &mut Vec<u8>) {
        put_bytes(number, &self.encode_to_vec(), out);
    }
}

/// The type of a field: at most one value, or any number.
pub(super) trait Field {
    fn merge(&mut self, value: Encoded<'_>) -> Result<()>;

    fn write(&self, number: u64, out: &mut Vec<u8>);
}

impl<V: Value> Field for Option<V> {
    /// Of several values the last one counts.
    fn merge(&mut self, value: Encoded<'_>) -> Result<()> {
        *self = Some(V::read(value)?);
        Ok(())
    }

    fn write(&self, number: u64, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.write(number, out));
    }
}

impl<V: Value> Field for Vec<V> {
    fn merge(&mut self, value: Encoded<'_>) -> Result<()> {
        V::read_repeated(value, self)
    }

    fn write(&self, number: u64, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.write(number, out));
    }
}

/// Declares messages: structs, and the number of each field.
macro_rules! messages {
    ($($name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty = $number:literal,)+ })+) => {$(
        #[derive(Debug, Clone, Default, PartialEq)]
        pub(super) struct $name {
            $($(#[$doc])* pub(super) $field: $kind,)+
        }

        impl Message for $name {
            fn merge(&mut self, number: u64, value: Encoded<'_>) -> Result<(), DecodeError> {
                match number {
                    $($number => Field::merge(&mut self.$field, value),)+
                    _ => Ok(()),
                }
            }

            fn write(&self, out: &mut Vec<u8>) {
                $(Field::write(&self.$field, $number, out);)+
            }
        }
    )+};
}
pub(super) use messages;

#[cfg(test)]
mod tests {
    use super::*;

    messages! {
        Inner { text: Option<String> = 1, }
        Outer {
            small: Option<i32> = 1,
            numbers: Vec<i64> = 2,
            floats: Vec<f32> = 3,
            double: Option<f64> = 4,
            inner: Vec<Inner> = 16,
        }
    }

    #[test]
    fn messages_round_trip() {
        let message = Outer {
            small: Some(-2),
            numbers: vec![0, 127, 128, i64::MIN],
            floats: vec![1.5, -0.0],
            double: Some(2.5),
            inner: vec![Inner { text: Some("ä".into()) }, Inner::default()],
        };
        assert_eq!(Outer::decode(&message.encode_to_vec()), Ok(message));
    }

    #[test]
    fn numbers_may_be_packed_and_unknown_fields_are_skipped() {
        // Field 2 packed, field 9 of each encoding, field 3 packed.
        let mut bytes = vec![0x12, 3, 1, 0x80, 1];
        bytes.extend([0x48, 5, 0x49, 0, 0, 0, 0, 0, 0, 0, 0, 0x4a, 1, 7, 0x4d, 0, 0, 0, 0]);
        bytes.extend([0x1a, 4]);
        bytes.extend(1.5f32.to_le_bytes());
        let expected = Outer { numbers: vec![1, 128], floats: vec![1.5], ..Outer::default() };
        assert_eq!(Outer::decode(&bytes), Ok(expected));
    }

    #[test]
    fn broken_messages_are_refused() {
        let error = |bytes: &[u8]| Outer::decode(bytes).unwrap_err().to_string();
        assert_eq!(error(&[0x08]), "a message ends early");
        assert_eq!(error(&[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]), "a message ends early");
        assert_eq!(error(&[0x1a, 3, 0, 0, 0]), "a message ends early");
        assert_eq!(error(&[0x0a, 0]), "a field has a value of another type");
        assert_eq!(error(&[0x0b]), "a field is encoded in an unknown way");
        assert_eq!(error(&[0xff; 11]), "a number is too long");
        assert_eq!(error(&[0x82, 0x01, 3, 0x0a, 1, 0xff]), "a text is not UTF-8");
    }
}
