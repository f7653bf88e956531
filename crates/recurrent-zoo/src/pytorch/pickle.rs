//! The part of Python's pickle that saved tensors need.
//!
//! A pickle is a program for a stack machine. This one builds values and calls nothing: where the program asks for a
//! class or a function, the value is its name, and a call of it is a value with that name and the arguments. So there
//! is nothing that a file could make happen. What is built is at most as large as the program.

use std::collections::HashMap;

use crate::{Error, Result};

/// The place of a value in [`Pickle::values`]. Values refer to each other by it, since a program may share them.
pub(super) type Id = usize;

#[derive(Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    /// A float, bytes, or an integer of more than 64 bits: no tensor's description has one.
    Other,
    /// A tuple, list or set.
    Sequence(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function, `module.name`.
    Global(String),
    /// A reference to what lies outside the pickle: a storage.
    Persistent(Id),
    /// What calling `callable` with `arguments` would make, with the entries that are then set, and the state.
    Object {
        callable: Id,
        arguments: Id,
        entries: Vec<(Id, Id)>,
        state: Option<Id>,
    },
}

/// The result of a program.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) values: Vec<Value>,
    pub(super) root: Id,
    /// Bytes of the program.
    pub(super) length: usize,
}

impl Pickle {
    /// Runs the program at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut machine =
            Machine { bytes, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
        let root = machine.run()?;
        Ok(Self { values: machine.values, root, length: machine.at })
    }

    pub(super) fn root(&self) -> &Value {
        &self.values[self.root]
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id]
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn global(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Global(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// An integer that is not negative.
    pub(super) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            &Value::Int(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// A sequence of integers that are not negative.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.sequence(id)?.iter().map(|&item| self.size(item)).collect()
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Id> {
        loop {
            let start = self.at;
            let opcode = self.byte()?;
            match opcode {
                b'.' => return self.pop(),
                // Protocol and frames: lengths of what follows, which is read anyway.
                0x80 => _ = self.byte()?,
                0x95 => _ = self.take(8)?,
                b'(' => self.marks.push(self.stack.len()),
                b'0' => _ = self.pop()?,
                b'1' => _ = self.pop_mark()?,
                b'2' => {
                    let top = *self.stack.last().ok_or_else(|| self.broken("the stack is empty"))?;
                    self.stack.push(top);
                }
                b'N' => self.push(Value::None),
                0x88 => self.push(Value::Bool(true)),
                0x89 => self.push(Value::Bool(false)),
                b'J' => {
                    let value = i32::from_le_bytes(self.array()?);
                    self.push(Value::Int(value.into()));
                }
                b'K' => {
                    let value = self.byte()?;
                    self.push(Value::Int(value.into()));
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.array()?);
                    self.push(Value::Int(value.into()));
                }
                0x8a => {
                    let length = self.byte()?;
                    self.long(length.into())?;
                }
                0x8b => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.long(length.into())?;
                }
                b'G' => {
                    self.take(8)?;
                    self.push(Value::Other);
                }
                b'X' | b'T' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.text(length.into())?;
                }
                0x8c | b'U' => {
                    let length = self.byte()?;
                    self.text(length.into())?;
                }
                0x8d => {
                    let length = u64::from_le_bytes(self.array()?);
                    self.text(length)?;
                }
                b'B' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.skipped(length.into())?;
                }
                b'C' => {
                    let length = self.byte()?;
                    self.skipped(length.into())?;
                }
                0x8e | 0x96 => {
                    let length = u64::from_le_bytes(self.array()?);
                    self.skipped(length)?;
                }
                b')' | b']' | 0x8f => self.push(Value::Sequence(Vec::new())),
                b'}' => self.push(Value::Dict(Vec::new())),
                0x85 => self.tuple(1)?,
                0x86 => self.tuple(2)?,
                0x87 => self.tuple(3)?,
                b't' | b'l' | 0x91 => {
                    let items = self.pop_mark()?;
                    self.push(Value::Sequence(items));
                }
                b'd' => {
                    let items = self.pop_mark()?;
                    let pairs = self.pairs(items)?;
                    self.push(Value::Dict(pairs));
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(vec![key, value])?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set(items)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Value::Global(format!("{module}.{name}")));
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name]) else {
                        return Err(self.broken("the name of a class is no text"));
                    };
                    let global = Value::Global(format!("{module}.{name}"));
                    self.push(global);
                }
                b'R' | 0x81 => {
                    let (arguments, callable) = (self.pop()?, self.pop()?);
                    self.push(Value::Object { callable, arguments, entries: Vec::new(), state: None });
                }
                0x92 => {
                    let (_named, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                    self.push(Value::Object { callable, arguments, entries: Vec::new(), state: None });
                }
                b'b' => {
                    let state = self.pop()?;
                    if let Value::Object { state: own, .. } = self.top_mut()? {
                        *own = Some(state);
                    }
                }
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Value::Persistent(id));
                }
                b'q' => {
                    let key = self.byte()?;
                    self.remember(key.into())?;
                }
                b'r' => {
                    let key = u32::from_le_bytes(self.array()?);
                    self.remember(key.into())?;
                }
                0x94 => self.remember(self.memo.len() as u64)?,
                b'h' => {
                    let key = self.byte()?;
                    self.recall(key.into())?;
                }
                b'j' => {
                    let key = u32::from_le_bytes(self.array()?);
                    self.recall(key.into())?;
                }
                other => {
                    let reason = format!("byte {start} of the pickle: unknown instruction {other:#04x}");
                    return Err(Error::Malformed { format: "PyTorch", reason });
                }
            }
        }
    }

    fn broken(&self, reason: &str) -> Error {
        Error::Malformed { format: "PyTorch", reason: format!("byte {} of the pickle: {reason}", self.at) }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let Some(taken) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(self.broken("it ends early"));
        };
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N as u64)?;
        bytes.try_into().map_err(|_| self.broken("it ends early"))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn line(&mut self) -> Result<String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(self.broken("it ends early"));
        };
        self.at += length + 1;
        Ok(String::from_utf8_lossy(&rest[..length]).into_owned())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// A value above the last mark.
    fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = if self.stack.len() > floor { self.stack.pop() } else { None };
        top.ok_or_else(|| self.broken("the stack is empty"))
    }

    /// All values above the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| self.broken("there is no mark"))?;
        Ok(self.stack.split_off(mark))
    }

    fn top_mut(&mut self) -> Result<&mut Value> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&top) if self.stack.len() > floor => Ok(&mut self.values[top]),
            _ => Err(self.broken("the stack is empty")),
        }
    }

    fn tuple(&mut self, length: usize) -> Result<()> {
        let mut items = (0..length).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        items.reverse();
        self.push(Value::Sequence(items));
        Ok(())
    }

    fn text(&mut self, length: u64) -> Result<()> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Value::Text(text));
        Ok(())
    }

    fn skipped(&mut self, length: u64) -> Result<()> {
        self.take(length)?;
        self.push(Value::Other);
        Ok(())
    }

    /// An integer of `length` bytes, little-endian in two's complement.
    fn long(&mut self, length: u64) -> Result<()> {
        let bytes = self.take(length)?;
        let value = match bytes {
            [] => Value::Int(0),
            [.., last] if bytes.len() <= 8 => {
                let mut whole = [if *last >= 0x80 { 0xff } else { 0 }; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                Value::Int(i64::from_le_bytes(whole))
            }
            _ => Value::Other,
        };
        self.push(value);
        Ok(())
    }

    fn append(&mut self, items: Vec<Id>) -> Result<()> {
        match self.top_mut()? {
            Value::Sequence(list) => list.extend(items),
            // A class of its own that is also a list.
            Value::Object { .. } => {}
            _ => return Err(self.broken("something is appended to what is no list")),
        }
        Ok(())
    }

    fn pairs(&self, items: Vec<Id>) -> Result<Vec<(Id, Id)>> {
        if !items.len().is_multiple_of(2) {
            return Err(self.broken("a key of a dictionary has no value"));
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    fn set(&mut self, items: Vec<Id>) -> Result<()> {
        let pairs = self.pairs(items)?;
        match self.top_mut()? {
            Value::Dict(entries) | Value::Object { entries, .. } => entries.extend(pairs),
            _ => return Err(self.broken("an entry is set in what is no dictionary")),
        }
        Ok(())
    }

    fn remember(&mut self, key: u64) -> Result<()> {
        let top = *self.stack.last().ok_or_else(|| self.broken("the stack is empty"))?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<()> {
        let id = *self.memo.get(&key).ok_or_else(|| self.broken("a value is used before it is made"))?;
        self.stack.push(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_run_and_calls_nothing() {
        // os.system("ls"), and a list that contains itself.
        let pickle = Pickle::parse(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.").unwrap();
        let Value::Object { callable, arguments, .. } = pickle.root() else { panic!("an object") };
        assert_eq!(pickle.global(*callable), Some("os.system"));
        assert_eq!(pickle.text(pickle.sequence(*arguments).unwrap()[0]), Some("ls"));
        let pickle = Pickle::parse(b"]q\x00h\x00a.").unwrap();
        assert_eq!(pickle.root(), &Value::Sequence(vec![pickle.root]));
    }

    #[test]
    fn integers_have_their_signs() {
        let int = |program: &[u8]| Pickle::parse(program).unwrap().values.remove(0);
        assert_eq!(int(b"J\xff\xff\xff\xff."), Value::Int(-1));
        assert_eq!(int(b"\x8a\x01\xfe."), Value::Int(-2));
        assert_eq!(int(b"\x8a\x02\x00\x01."), Value::Int(256));
        assert_eq!(int(b"\x8a\x00."), Value::Int(0));
        assert_eq!(int(b"\x8a\x09\0\0\0\0\0\0\0\0\x01."), Value::Other);
    }

    #[test]
    fn broken_programs_are_refused() {
        let error = |program: &[u8]| Pickle::parse(program).unwrap_err().to_string();
        assert!(error(b".").ends_with("the stack is empty"));
        assert!(error(b"N").ends_with("it ends early"));
        assert!(error(b"X\xff\xff\xff\xffa.").ends_with("it ends early"));
        assert!(error(b"h\x00.").ends_with("a value is used before it is made"));
        assert!(error(b"(Nu.").ends_with("a key of a dictionary has no value"));
        assert!(error(b"NNa.").ends_with("something is appended to what is no list"));
        assert!(error(b"N(a.").ends_with("the stack is empty"));
        assert!(error(b"F1.0\n.").ends_with("byte 0 of the pickle: unknown instruction 0x46"));
    }
}
