"""Loads the network of this folder into Keras 3, and compares it with the outputs in `example.safetensors`.

    pip install keras torch safetensors numpy h5py
    KERAS_BACKEND=torch python load.py

`model = load(folder)` gives a `keras.Model` with the inputs `ids`, `features` and `lengths`, of which it has what
`config.json` says. Any backend of Keras will do.
"""

import json
import sys
from pathlib import Path

import keras
import numpy
from keras import layers, ops
from safetensors.numpy import load_file


def recurrent(config: dict) -> list:
    """One Keras layer for each layer of a stack."""
    options = dict(units=config["hidden_size"], use_bias=config["bias"], return_sequences=True)
    stack = []
    for _ in range(config["num_layers"]):
        match config["cell"]:
            case "lstm":
                layer = layers.LSTM(**options)
            case "gru":
                layer = layers.GRU(**options, reset_after=config["reset_after"])
            case _:
                layer = layers.SimpleRNN(**options, activation=config["nonlinearity"])
        stack.append(layers.Bidirectional(layer) if config["bidirectional"] else layer)
    return stack


def inputs(config: dict) -> dict:
    tensors = {}
    if config["vocab_size"]:
        tensors["ids"] = keras.Input((None,), dtype="int64", name="ids")
    if config["num_features"]:
        tensors["features"] = keras.Input((None, config["num_features"]), name="features")
    if config["head"] != "each_step":
        tensors["lengths"] = keras.Input((), dtype="int32", name="lengths")
    return tensors


def member(config: dict, index: int) -> keras.Model:
    given = inputs(config)
    parts = [layers.Embedding(config["vocab_size"], config["embedding_dim"])(given["ids"])] if "ids" in given else []
    parts += [given["features"]] if "features" in given else []
    x = ops.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]
    valid = None
    if "lengths" in given:
        steps = ops.cumsum(ops.ones_like(x[:, :, 0], dtype="int32"), axis=1)
        valid = steps <= ops.expand_dims(given["lengths"], 1)
    for layer in [layer for stack in config["recurrent"] for layer in recurrent(stack)]:
        x = layer(x, mask=valid)
    if valid is not None:
        x = pool(x, valid, config)
    for of in config["dense"]:
        x = layers.Dense(of["outputs"], use_bias=of["bias"])(x)
    if config["softmax"]:
        x = ops.softmax(x, axis=-1)
    return keras.Model(given, x, name=f"member_{index}")


def pool(x, valid, config: dict):
    """Keras repeats the last output past a row's end, so all heads look at the valid steps alone."""
    each = ops.expand_dims(ops.cast(valid, x.dtype), 2)
    match config["head"]:
        case "last":
            last = ops.concatenate([each[:, 1:], ops.zeros_like(each[:, :1])], axis=1)
            at_end = ops.sum(x * (each - last), axis=1)
            if not config["recurrent"][-1]["bidirectional"]:
                return at_end
            hidden = config["recurrent"][-1]["hidden_size"]
            return ops.concatenate([at_end[:, :hidden], x[:, 0, hidden:]], axis=1)
        case "mean":
            return ops.sum(x * each, axis=1) / ops.sum(each, axis=1)
        case "max":
            return ops.max(ops.where(each > 0, x, -1e30), axis=1)
        case _:
            width = config["dense"][0]["inputs"]
            energy = layers.Dense(1, use_bias=False)(layers.Dense(width, activation="tanh")(x))
            weights = ops.softmax(ops.where(each > 0, energy, -1e30), axis=1)
            return ops.sum(x * weights, axis=1)


def load(folder: Path) -> keras.Model:
    config = json.loads((folder / "config.json").read_text())
    model = member(config, 0)
    if config["members"] > 1:
        given = inputs(config)
        models = [member(config, index) for index in range(config["members"])]
        model = keras.Model(given, layers.Average()([of(given) for of in models]))
    model.load_weights(folder / "model.weights.h5")
    return model


def main() -> int:
    folder = Path(__file__).resolve().parent
    example = load_file(folder / "example.safetensors")
    expected = example.pop("output")
    output = ops.convert_to_numpy(load(folder)(example))
    difference = float(numpy.abs(output - expected).max())
    print(f"the outputs differ by at most {difference:.2g}")
    return 0 if difference < 1e-5 * max(1.0, float(numpy.abs(expected).max())) else 1


if __name__ == "__main__":
    sys.exit(main())
