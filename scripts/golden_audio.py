"""Writes the golden file that the log-mel features are tested against.

    python3 -m venv .venv
    .venv/bin/pip install numpy
    .venv/bin/python scripts/golden_audio.py            # write the file
    .venv/bin/python scripts/golden_audio.py --check    # recompute and compare

The file crates/recurrent-audio/tests/goldens/log_mel.json has a list of cases: the settings, 16-bit
samples, and the features of them, frame after frame. They are computed in double precision from the
definitions: pre-emphasis, a periodic Hann window, the power spectrum of a transform of a power of
two, triangles between mels by HTK's formula, the logarithm.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).resolve().parents[1] / "crates/recurrent-audio/tests/goldens/log_mel.json"

SEED = 7
TOLERANCE = 1e-6

Json = dict[str, Any]

# The default settings; those of a telephone; and a rate for which the window is no round number.
CASES = [
    {"sample_rate": 16_000, "window_ms": 25.0, "hop_ms": 10.0, "num_mels": 40, "f_min": 20.0, "f_max": None,
     "pre_emphasis": 0.97, "stack": 2, "floor": 1e-8},
    {"sample_rate": 8_000, "window_ms": 32.0, "hop_ms": 16.0, "num_mels": 23, "f_min": 100.0, "f_max": 3_600.0,
     "pre_emphasis": 0.0, "stack": 3, "floor": 1e-5},
    {"sample_rate": 11_025, "window_ms": 20.0, "hop_ms": 5.0, "num_mels": 20, "f_min": 0.0, "f_max": None,
     "pre_emphasis": 0.9, "stack": 1, "floor": 1e-8},
]


def samples(rate: int, length: int, rng: np.random.Generator) -> list[int]:
    """A rising tone, then silence, then noise."""
    time = np.arange(length) / rate
    tone = 0.3 * np.sin(2 * np.pi * (200 * time + 4_000 * time**2)) * (time < 0.08)
    noise = 0.02 * rng.standard_normal(length) * (time > 0.11)
    return np.round((tone + noise) * 32768).astype(int).tolist()


def filters(config: Json, fft_size: int) -> np.ndarray:
    """Triangles, [mels, fft_size / 2 + 1]."""
    rate, mels = config["sample_rate"], config["num_mels"]
    to_mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)  # noqa: E731
    ends = to_mel(np.array([config["f_min"], config["f_max"] or rate / 2]))
    corners = 700 * (10 ** (np.linspace(*ends, mels + 2) / 2595) - 1)
    frequencies = np.arange(fft_size // 2 + 1) * rate / fft_size
    rise = (frequencies - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    fall = (corners[2:, None] - frequencies) / (corners[2:] - corners[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall))


def log_mel(config: Json, signal: np.ndarray) -> np.ndarray:
    """Features of a whole signal, [frames, stack * mels]."""
    window = int(config["window_ms"] * config["sample_rate"] / 1000 + 0.5)
    hop = int(config["hop_ms"] * config["sample_rate"] / 1000 + 0.5)
    fft_size = 1 << (window - 1).bit_length()
    emphasized = signal - config["pre_emphasis"] * np.concatenate([[0], signal[:-1]])
    # The sample behind the end is silence, but not its pre-emphasis.
    emphasized = np.append(emphasized, -config["pre_emphasis"] * signal[-1])
    count = max(0, -(-(len(signal) - window) // hop)) + 1
    count = -(-count // config["stack"]) * config["stack"]
    padded = np.zeros((count - 1) * hop + window)
    kept = min(len(padded), len(emphasized))
    padded[:kept] = emphasized[:kept]
    frames = np.stack([padded[t * hop : t * hop + window] for t in range(count)])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    power = np.abs(np.fft.rfft(frames * hann, fft_size)) ** 2
    logs = np.log(np.maximum(config["floor"], power @ filters(config, fft_size).T))
    return logs.reshape(count // config["stack"], -1)


def compute() -> Json:
    rng = np.random.default_rng(SEED)
    cases = []
    for config in CASES:
        values = samples(config["sample_rate"], int(0.15 * config["sample_rate"]), rng)
        features = log_mel(config, np.array(values) / 32768)
        cases.append({"config": config, "samples": values, "features": features.round(7).tolist()})
    return {"numpy": np.__version__, "cases": cases}


def same(old: Json, new: Json) -> bool:
    pairs = list(zip(old["cases"], new["cases"], strict=True))
    return all(
        a["config"] == b["config"]
        and a["samples"] == b["samples"]
        and np.allclose(a["features"], b["features"], rtol=0, atol=TOLERANCE)
        for a, b in pairs
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Golden values of log-mel features.")
    parser.add_argument("--check", action="store_true", help="recompute and compare, write nothing")
    golden = compute()
    if not parser.parse_args().check:
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(json.dumps(golden) + "\n")
    elif not same(json.loads(GOLDEN.read_text()), golden):
        sys.exit(f"{GOLDEN}: differs from what numpy computes")


if __name__ == "__main__":
    main()
