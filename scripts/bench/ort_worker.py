"""ONNX Runtime on the cases of `cases.py`, asked as `worker.py` says: the same networks by its operators LSTM, GRU and RNN.

It only infers; a case that trains is skipped.
"""
import os
import sys
import time
from collections.abc import Callable, Iterable

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
# batch, time, input, hidden, symbols
SIZES = {
    "keras": (32, 100, 1, 50, None),
    "seq2seq": (32, 20, 100, 128, 100),
    "charlm": (64, 100, 128, 512, 65),
    "big": (64, 50, 1024, 1024, None),
    "stream": (1, 1000, 64, 256, None),
}
THREADS = int(os.environ.get("NT", "2"))
OPSET, IR = 17, 8


class Skip(Exception):
    """There is no such case."""


class Graph:
    """An ONNX graph with its weights, which grows node by node."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.nodes, self.weights, self.inputs = [], [], []

    def constant(self, name: str, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def weight(self, name: str, *shape: int) -> str:
        return self.constant(name, self.random.uniform(-0.1, 0.1, shape).astype(np.float32))

    def input(self, name: str, shape: Iterable[int], kind: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def node(self, operator: str, inputs: list[str], outputs: list[str], **attributes: int) -> str:
        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs[0]

    def layer(self, name: str, cell: str, x: str, sizes: tuple[int, int], outputs: list[str], state: tuple = ()) -> None:
        """A recurrent layer over `[time, batch, input]`; `outputs` are the sequence and the parts of the final state."""
        (features, hidden), gates = sizes, GATES[cell]
        w = self.weight(f"{name}.w", 1, gates * hidden, features)
        r = self.weight(f"{name}.r", 1, gates * hidden, hidden)
        b = self.weight(f"{name}.b", 1, 2 * gates * hidden)
        reset_after = {"linear_before_reset": 1} if cell == "gru" else {}
        self.node(cell.upper(), [x, w, r, b, "", *state], outputs, hidden_size=hidden, **reset_after)

    def sequence(self, name: str, y: str) -> str:
        """`[time, 1, batch, hidden]` without its axis of directions."""
        axis = self.constant(f"{name}.axis", np.array([1], dtype=np.int64))
        return self.node("Squeeze", [y, axis], [name])

    def dense(self, x: str, hidden: int, outputs: int) -> str:
        product = self.node("MatMul", [x, self.weight("dense.w", hidden, outputs)], ["product"])
        return self.node("Add", [product, self.weight("dense.b", outputs)], ["output"])

    def session(self, outputs: list[str]) -> onnxruntime.InferenceSession:
        declared = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "network", self.inputs, declared, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def network(shape: str, cell: str) -> tuple[onnxruntime.InferenceSession, dict[str, np.ndarray]]:
    """A network and its batch."""
    batch, steps, features, hidden, symbols = SIZES[shape]
    graph, random = Graph(), np.random.default_rng(1)
    x = random.standard_normal((steps, batch, features)).astype(np.float32)
    if shape == "keras":
        graph.layer("bottom", cell, graph.input("x", x.shape), (features, hidden), ["y"])
        graph.layer("top", cell, graph.sequence("below", "y"), (hidden, hidden), ["", "last"])
        graph.dense("last", hidden, 1)
        return graph.session(["output"]), {"x": x}
    if shape == "seq2seq":
        state = ["h", "c"] if cell == "lstm" else ["h"]
        graph.layer("encoder", cell, graph.input("x", x.shape), (features, hidden), ["", *state])
        graph.layer("decoder", cell, graph.input("decoded", x.shape), (features, hidden), ["y"], tuple(state))
        graph.dense(graph.sequence("decoder.output", "y"), hidden, symbols)
        return graph.session(["output"]), {"x": x, "decoded": x}
    if shape == "charlm":
        ids = graph.input("ids", (steps, batch), TensorProto.INT64)
        embedded = graph.node("Gather", [graph.weight("embedding", symbols, features), ids], ["embedded"])
        graph.layer("layer", cell, embedded, (features, hidden), ["y"])
        graph.dense(graph.sequence("layer.output", "y"), hidden, symbols)
        return graph.session(["output"]), {"ids": random.integers(0, symbols, (steps, batch))}
    graph.layer("layer", cell, graph.input("x", x.shape), (features, hidden), ["output"])
    return graph.session(["output"]), {"x": x}


def stream(cell: str) -> Callable[[], object]:
    """One row step by step, with the state carried by the caller."""
    batch, steps, features, hidden, _ = SIZES["stream"]
    parts = ["h", "c"] if cell == "lstm" else ["h"]
    graph = Graph()
    before = tuple(graph.input(part, (1, batch, hidden)) for part in parts)
    after = [f"{part}.next" for part in parts]
    graph.layer("layer", cell, graph.input("x", (1, batch, features)), (features, hidden), ["output", *after], before)
    session = graph.session(["output", *after])
    x = np.random.default_rng(1).standard_normal((steps, batch, features)).astype(np.float32)

    def run() -> None:
        state = [np.zeros((1, batch, hidden), np.float32) for _ in parts]
        for step in range(steps):
            _, *state = session.run(None, {"x": x[step : step + 1], **dict(zip(parts, state))})

    return run


def work(shape: str, cell: str, mode: str) -> Callable[[], object]:
    """What an iteration does."""
    if mode != "infer" or shape not in SIZES or cell not in GATES:
        raise Skip(f"only a forward pass of {', '.join(SIZES)} by {', '.join(GATES)}")
    if shape == "stream":
        return stream(cell)
    session, feed = network(shape, cell)
    return lambda: session.run(None, feed)


def timed(run: Callable[[], object]) -> str:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return f"{time.perf_counter() - wall:.9f}:{time.process_time() - cpu:.9f}"


def answer(shape: str, cell: str, mode: str, warm: str, iterations: str) -> str:
    try:
        run = work(shape, cell, mode)
    except Skip as why:
        return f"SKIP {why}"
    for _ in range(int(warm)):
        run()
    return " ".join(["OK", *(timed(run) for _ in range(int(iterations)))])


def main() -> None:
    print(f"READY ONNX Runtime {onnxruntime.__version__}, cpu, {THREADS} threads", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            break
        if words:
            print(answer(*words), flush=True)


if __name__ == "__main__":
    main()
