//! The messages and fields of ONNX that recurrent layers need; the numbers are those of its `onnx.proto`. Graphs in
//! attributes are not among them, so messages are at most a few deep in each other.

use super::wire::{DecodeError, Encoded, Field, Message, messages};

messages! {
    Model {
        ir_version: Option<i64> = 1,
        producer_name: Option<String> = 2,
        graph: Option<Graph> = 7,
        opset_import: Vec<OperatorSetId> = 8,
    }

    OperatorSetId {
        domain: Option<String> = 1,
        version: Option<i64> = 2,
    }

    Graph {
        node: Vec<Node> = 1,
        name: Option<String> = 2,
        initializer: Vec<Tensor> = 5,
        input: Vec<ValueInfo> = 11,
        output: Vec<ValueInfo> = 12,
    }

    Node {
        input: Vec<String> = 1,
        output: Vec<String> = 2,
        name: Option<String> = 3,
        op_type: Option<String> = 4,
        attribute: Vec<Attribute> = 5,
        domain: Option<String> = 7,
    }

    Attribute {
        name: Option<String> = 1,
        f: Option<f32> = 2,
        i: Option<i64> = 3,
        s: Option<Vec<u8>> = 4,
        t: Option<Tensor> = 5,
        ints: Vec<i64> = 8,
        strings: Vec<Vec<u8>> = 9,
        kind: Option<i32> = 20,
    }

    Tensor {
        dims: Vec<i64> = 1,
        data_type: Option<i32> = 2,
        float_data: Vec<f32> = 4,
        int32_data: Vec<i32> = 5,
        name: Option<String> = 8,
        raw_data: Option<Vec<u8>> = 9,
        double_data: Vec<f64> = 10,
        /// Where the data is: 0 in the message, 1 in another file.
        data_location: Option<i32> = 14,
    }

    ValueInfo {
        name: Option<String> = 1,
        kind: Option<Type> = 2,
    }

    Type {
        tensor: Option<TensorType> = 1,
    }

    TensorType {
        element: Option<i32> = 1,
        shape: Option<Shape> = 2,
    }

    Shape {
        dims: Vec<Dimension> = 1,
    }

    // One of the two.
    Dimension {
        value: Option<i64> = 1,
        name: Option<String> = 2,
    }
}

impl Node {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(super) fn op_type(&self) -> &str {
        self.op_type.as_deref().unwrap_or_default()
    }

    pub(super) fn domain(&self) -> &str {
        self.domain.as_deref().unwrap_or_default()
    }
}

impl Attribute {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

impl Tensor {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(super) fn data_type(&self) -> i32 {
        self.data_type.unwrap_or_default()
    }
}

/// `AttributeProto.AttributeType`.
pub(super) mod attribute_kind {
    pub(in super::super) const INT: i32 = 2;
    pub(in super::super) const STRING: i32 = 3;
    pub(in super::super) const INTS: i32 = 7;
    pub(in super::super) const STRINGS: i32 = 8;
}

/// `TensorProto.DataType`.
pub(super) mod data_type {
    pub(in super::super) const FLOAT: i32 = 1;
    pub(in super::super) const INT32: i32 = 6;
    pub(in super::super) const INT64: i32 = 7;
    pub(in super::super) const FLOAT16: i32 = 10;
    pub(in super::super) const DOUBLE: i32 = 11;
    pub(in super::super) const BFLOAT16: i32 = 16;
}
