"""Writes the files that recurrent-zoo is tested against, as the frameworks write them.

    python3 -m venv .venv
    .venv/bin/pip install torch safetensors numpy keras h5py onnx onnxruntime
    .venv/bin/python scripts/golden_zoo.py            # write the files
    .venv/bin/python scripts/golden_zoo.py --check    # compute again from the files and compare

They are in crates/recurrent-zoo/tests/fixtures. All weights are random, biases too: zeros hide a wrong order.

    layers.safetensors        PyTorch: every kind x 1 or 2 layers x direction x bias, as modules of one file
    checkpoint.pt             PyTorch: a nested checkpoint of a compiled, data-parallel model with an optimizer
    legacy.pt                 PyTorch: the format before 1.6
    views.pt                  PyTorch: transposed, shared and half-precision tensors
    module.pt                 PyTorch: a whole pickled module
    cell.pt                   PyTorch: the state_dict of an nn.LSTMCell alone
    model.keras               Keras 3: layers of every kind
    model.weights.h5          Keras 3: the weights of a stack
    model.h5                  Keras 3: the legacy format
    keras2.h5                 the names of Keras 2, rewritten from model.h5 with h5py
    nodes.onnx                ONNX: every kind x direction x bias x linear_before_reset, as nodes of one model
    exported.onnx             ONNX: two bidirectional layers, as PyTorch exports them
    expected.safetensors      x, and what the frameworks compute of it

Keys of expected.safetensors are `FILE/STACK/RESULT`: `output [batch, time, directions * hidden]`, and `h_n` and `c_n`
`[layers * directions, batch, hidden]` of PyTorch and ONNX.
"""

import argparse
import os
import sys
from itertools import product
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import numpy
import onnx
import onnxruntime
import torch
from keras import layers
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

FIXTURES = Path(__file__).resolve().parents[1] / "crates/recurrent-zoo/tests/fixtures"
SEED = 11
TOLERANCE = 1e-5
BATCH, TIME, INPUT, HIDDEN = 2, 5, 2, 3

Results = dict[str, Tensor]

TORCH_KINDS = {
    "rnn-tanh": lambda **options: nn.RNN(**options, nonlinearity="tanh"),
    "rnn-relu": lambda **options: nn.RNN(**options, nonlinearity="relu"),
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}
BOOLEANS = [False, True]


def torch_layer(kind: str, num_layers: int, bidirectional: bool, bias: bool) -> nn.Module:
    options = dict(input_size=INPUT, hidden_size=HIDDEN, num_layers=num_layers, batch_first=True)
    return TORCH_KINDS[kind](**options, bidirectional=bidirectional, bias=bias)


def torch_cases() -> dict[str, nn.Module]:
    cases = {}
    for kind, num_layers, bidirectional, bias in product(TORCH_KINDS, [1, 2], BOOLEANS, BOOLEANS):
        name = f"{kind}-{num_layers}l-{'bi' if bidirectional else 'uni'}-{'bias' if bias else 'nobias'}"
        cases[name] = torch_layer(kind, num_layers, bidirectional, bias)
    return cases


def torch_results(layer: nn.Module, x: Tensor) -> Results:
    with torch.no_grad():
        output, state = layer.float()(x)
    if isinstance(state, tuple):
        return {"output": output, "h_n": state[0], "c_n": state[1]}
    return {"output": output, "h_n": state}


def cell_results(cell: nn.LSTMCell, x: Tensor) -> Results:
    h, c = torch.zeros(BATCH, HIDDEN), torch.zeros(BATCH, HIDDEN)
    outputs = []
    with torch.no_grad():
        for step in range(TIME):
            h, c = cell(x[:, step], (h, c))
            outputs.append(h)
    return {"output": torch.stack(outputs, 1), "h_n": h[None], "c_n": c[None]}


class Model(nn.Module):
    """A model around a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(3, INPUT)
        self.encoder = nn.ModuleDict({"lstm": torch_layer("lstm", 2, True, True)})
        self.head = nn.Linear(2 * HIDDEN, 1)


def write_checkpoint() -> None:
    model = Model()
    optimizer = torch.optim.Adam(model.parameters())
    sum(parameter.sum() for parameter in model.parameters()).backward()
    optimizer.step()
    state = {f"module._orig_mod.{name}": value for name, value in model.state_dict().items()}
    checkpoint = {
        "epoch": 3,
        "model_state_dict": state,
        "optimizer_state_dict": {"state": {0: optimizer.state_dict()["state"][0]}},
        "loss": 0.25,
        "history": [1.0, None, True, "text", (1, 2)],
    }
    torch.save(checkpoint, FIXTURES / "checkpoint.pt")


def views_state(layers: dict[str, nn.Module]) -> dict[str, Tensor]:
    """Tensors that are no plain copies of their storages."""
    state = {}
    for name, parameter in layers["strided"].state_dict().items():
        if parameter.dim() == 2:
            wide = torch.cat([torch.full((1, parameter.shape[0]), 9.0), parameter.t()])
            parameter = wide[1:].t()
            assert not parameter.is_contiguous() or 1 in parameter.shape
        state[f"strided.{name}"] = parameter
        state[f"tied.{name}"] = parameter
    for name, dtype in [("half", torch.float16), ("bfloat16", torch.bfloat16), ("double", torch.float64)]:
        for key, parameter in layers[name].state_dict().items():
            state[f"{name}.{key}"] = parameter.to(dtype)
    return state


def write_torch() -> None:
    state = {}
    for name, layer in torch_cases().items():
        state |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
    save_file(state, FIXTURES / "layers.safetensors")
    write_checkpoint()
    legacy = torch_layer("gru", 1, True, True).state_dict()
    torch.save(legacy, FIXTURES / "legacy.pt", _use_new_zipfile_serialization=False)
    names = ["strided", "half", "bfloat16", "double"]
    torch.save(views_state({name: torch_layer("gru", 1, False, True) for name in names}), FIXTURES / "views.pt")
    torch.save(torch_layer("rnn-tanh", 1, False, True), FIXTURES / "module.pt")
    torch.save(nn.LSTMCell(INPUT, HIDDEN).state_dict(), FIXTURES / "cell.pt")
    x, names = torch.rand(BATCH, TIME, INPUT), ["output", "h_n", "c_n"]
    # The exporter without Python packages of its own.
    exporter = dict(dynamo=False, input_names=["x"], output_names=names)
    torch.onnx.export(torch_layer("lstm", 2, True, True), (x,), FIXTURES / "exported.onnx", **exporter)


def loaded(layer: nn.Module, state: dict[str, Tensor], prefix: str = "") -> nn.Module:
    own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    layer.load_state_dict(own, strict=True)
    return layer


def results_of_torch(x: Tensor) -> dict[str, Results]:
    results = {}
    state = load_file(FIXTURES / "layers.safetensors")
    for name, layer in torch_cases().items():
        results[f"layers/{name}"] = torch_results(loaded(layer, state, f"{name}."), x)
    state = torch.load(FIXTURES / "checkpoint.pt")["model_state_dict"]
    layer = loaded(torch_layer("lstm", 2, True, True), state, "module._orig_mod.encoder.lstm.")
    results["checkpoint/encoder.lstm"] = torch_results(layer, x)
    layer = loaded(torch_layer("gru", 1, True, True), torch.load(FIXTURES / "legacy.pt"))
    results["legacy/"] = torch_results(layer, x)
    state = torch.load(FIXTURES / "views.pt")
    for name in ["strided", "tied", "half", "bfloat16", "double"]:
        layer = loaded(torch_layer("gru", 1, False, True), state, f"{name}.")
        results[f"views/{name}"] = torch_results(layer, x)
    results["module/"] = torch_results(torch.load(FIXTURES / "module.pt", weights_only=False), x)
    cell = loaded(nn.LSTMCell(INPUT, HIDDEN), torch.load(FIXTURES / "cell.pt"))
    results["cell/"] = cell_results(cell, x)
    return results


def keras_layer(of: type, name: str, bidirectional: bool, **options) -> layers.Layer:
    layer = of(HIDDEN, return_sequences=True, name=name, **options)
    return layers.Bidirectional(layer, name=name) if bidirectional else layer


def randomized(model: keras.Model) -> keras.Model:
    generator = numpy.random.default_rng(SEED)
    for weight in model.weights:
        weight.assign(generator.uniform(-0.6, 0.6, weight.shape).astype("float32"))
    return model


def keras_branches() -> keras.Model:
    """Layers side by side on one input."""
    x = keras.Input((None, INPUT))
    branches = [
        keras_layer(layers.LSTM, "lstm_uni", False),
        keras_layer(layers.LSTM, "lstm_bi_nobias", True, use_bias=False),
        keras_layer(layers.GRU, "gru_after_bi", True),
        keras_layer(layers.GRU, "gru_after_nobias", False, use_bias=False),
        keras_layer(layers.GRU, "gru_before_uni", False, reset_after=False),
        keras_layer(layers.GRU, "gru_before_bi", True, reset_after=False),
        keras_layer(layers.SimpleRNN, "rnn_relu_bi", True, activation="relu"),
        keras_layer(layers.SimpleRNN, "rnn_tanh", False),
    ]
    return keras.Model(x, [layer(x) for layer in branches])


def keras_stack() -> keras.Model:
    stack = [keras_layer(layers.LSTM, f"encoder_l{depth}", True) for depth in range(2)]
    return keras.Sequential([keras.Input((None, INPUT)), *stack])


def keras_legacy() -> keras.Model:
    stack = [keras_layer(layers.GRU, "bottom", True), keras_layer(layers.LSTM, "top", False)]
    return keras.Sequential([keras.Input((None, INPUT)), *stack])


def write_keras2() -> None:
    """The layout of Keras 2: no name of the model in the paths, and `:0` behind the names."""
    with h5py.File(FIXTURES / "model.h5") as source, h5py.File(FIXTURES / "keras2.h5", "w") as target:
        target.attrs["keras_version"] = "2.15.0"

        def copy(path: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset):
                _, layer, _model, *rest = path.split("/")
                target.create_dataset("/".join([layer, *rest]) + ":0", data=item[()])

        source.visititems(copy)


def write_keras() -> None:
    randomized(keras_branches()).save(FIXTURES / "model.keras")
    randomized(keras_stack()).save_weights(FIXTURES / "model.weights.h5")
    randomized(keras_legacy()).save(FIXTURES / "model.h5")
    write_keras2()


def keras_output(model: keras.Model, x: Tensor) -> list[Tensor]:
    with torch.no_grad():
        outputs = model(x)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [output.detach().cpu() for output in outputs]


def results_of_keras(x: Tensor) -> dict[str, Results]:
    branches = keras.models.load_model(FIXTURES / "model.keras")
    names = [layer.name for layer in branches.layers[1:]]
    outputs = zip(names, keras_output(branches, x), strict=True)
    results = {f"keras/{name}": {"output": output} for name, output in outputs}
    stack = keras_stack()
    stack.load_weights(FIXTURES / "model.weights.h5")
    results["weights/encoder"] = {"output": keras_output(stack, x)[0]}
    legacy = keras.models.load_model(FIXTURES / "model.h5")
    bottom, top = legacy.layers
    below = keras_output(bottom, x)[0]
    results["h5/bottom"] = {"output": below}
    results["h5/top"] = {"output": keras_output(top, below)[0]}
    return results


def onnx_cases() -> list[tuple[str, str, dict, bool, bool]]:
    kinds = [
        ("rnn-tanh", "RNN", {}),
        ("rnn-relu", "RNN", {"activations": ["Relu"]}),
        ("lstm", "LSTM", {}),
        ("gru-after", "GRU", {"linear_before_reset": 1}),
        ("gru-before", "GRU", {"linear_before_reset": 0}),
    ]
    cases = []
    for (kind, operator, options), bidirectional, bias in product(kinds, BOOLEANS, BOOLEANS):
        name = f"{kind}-{'bi' if bidirectional else 'uni'}-{'bias' if bias else 'nobias'}"
        cases.append((name, operator, options, bidirectional, bias))
    return cases


def write_onnx() -> None:
    generator = numpy.random.default_rng(SEED)
    nodes, initializers, outputs = [], [], []

    def tensor(name: str, *shape: int) -> str:
        values = generator.uniform(-0.6, 0.6, shape).astype(numpy.float32)
        initializers.append(numpy_helper.from_array(values, name))
        return name

    for name, operator, options, bidirectional, bias in onnx_cases():
        gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[operator]
        directions = 2 if bidirectional else 1
        options = dict(options)
        if "activations" in options:
            options["activations"] = options["activations"] * directions
        inputs = ["x", tensor(f"{name}.W", directions, gates * HIDDEN, INPUT)]
        inputs.append(tensor(f"{name}.R", directions, gates * HIDDEN, HIDDEN))
        if bias:
            inputs.append(tensor(f"{name}.B", directions, 2 * gates * HIDDEN))
        results = [f"{name}.{result}" for result in ["Y", "Y_h", "Y_c"][: 3 if operator == "LSTM" else 2]]
        direction = "bidirectional" if bidirectional else "forward"
        nodes.append(
            helper.make_node(operator, inputs, results, name, hidden_size=HIDDEN, direction=direction, **options)
        )
        for result in results:
            rank = 4 if result.endswith(".Y") else 3
            outputs.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, [None] * rank))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", INPUT])
    graph = helper.make_graph(nodes, "nodes", [x], outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, FIXTURES / "nodes.onnx")


def results_of_onnx(x: Tensor) -> dict[str, Results]:
    session = onnxruntime.InferenceSession(FIXTURES / "nodes.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {"x": x.transpose(0, 1).numpy()})
    exported = onnxruntime.InferenceSession(FIXTURES / "exported.onnx", providers=["CPUExecutionProvider"])
    finals = exported.run(["output", "h_n", "c_n"], {"x": x.numpy()})
    results: dict[str, Results] = {
        "exported/": {key: torch.from_numpy(of) for key, of in zip(["output", "h_n", "c_n"], finals)}
    }
    for name, value in zip(names, values, strict=True):
        case, result = name.split(".")
        value = torch.from_numpy(value)
        if result == "Y":
            # [time, directions, batch, hidden]
            value = value.permute(2, 0, 1, 3).flatten(2)
        key = {"Y": "output", "Y_h": "h_n", "Y_c": "c_n"}[result]
        results.setdefault(f"onnx/{case}", {})[key] = value
    return results


def expected() -> Results:
    """What the frameworks compute of the files that are there."""
    x = torch.rand((BATCH, TIME, INPUT), generator=torch.Generator().manual_seed(SEED)) * 2 - 1
    results = results_of_torch(x) | results_of_keras(x) | results_of_onnx(x)
    flat = {f"{name}/{key}": value.contiguous() for name, of in results.items() for key, value in of.items()}
    return {"x": x, **flat}


def check() -> bool:
    committed, computed = load_file(FIXTURES / "expected.safetensors"), expected()
    if committed.keys() != computed.keys():
        print(f"other keys: {sorted(committed.keys() ^ computed.keys())}")
        return False
    wrong = [
        key for key, value in computed.items() if not torch.allclose(committed[key], value, rtol=0, atol=TOLERANCE)
    ]
    for key in wrong:
        print(f"{key}: differs by up to {(committed[key] - computed[key]).abs().max():.3g}")
    if not wrong:
        print(f"{len(computed)} tensors agree")
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the files of PyTorch, Keras and ONNX.")
    parser.add_argument("--check", action="store_true", help="compute the results of the files again and compare")
    torch.set_num_threads(1)
    if parser.parse_args().check:
        return 0 if check() else 1
    torch.manual_seed(SEED)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    write_torch()
    write_keras()
    write_onnx()
    save_file(expected(), FIXTURES / "expected.safetensors")
    for path in sorted(FIXTURES.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")
    print(f"{sum(path.stat().st_size for path in FIXTURES.iterdir())} bytes together")
    return 0


if __name__ == "__main__":
    sys.exit(main())
