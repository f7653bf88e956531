"""Makes the pretrained models in crates/recurrent-pretrained/models.

usage: scripts/pretrained.py NAME [--program PROGRAM] [--run RUN]

A model is trained by the command in MODELS with PROGRAM (target/release/train), or taken from a RUN that this command has
trained already. What predictions need of the run is copied: weights in half precision, long texts compressed. The card is
written from the entry in MODELS and the run's scores.
"""
import argparse
import gzip
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import tomllib

from measured.record import ROOT, machine, today
from measured.runs import accuracies, classifiers, language_models, recognized, scores, translators

FOLDER = ROOT / "crates/recurrent-pretrained/models"
# The length from which a text is compressed.
LONG = 1 << 14

MODELS = {
    "sentiment-en": {
        "title": "Sentiment of English sentences",
        "command": [
            *("classify", "--data", "opinions", "--pooling", "attention", "--ensemble", "3"),
            *("--embedding-dim", "32", "--hidden-size", "64", "--word-dropout", "0.15", "--vocab-size", "12000"),
            *("--seed", "2"),
        ],
        "license": "MIT OR Apache-2.0; trained on sentences of C.J. Hutto and E. Gilbert (MIT) and of this project",
        "description": "Tells positive from negative sentences: of movie and product reviews, tweets, newspaper editorials "
        "and everyday talk.",
        "limits": "English only, one sentence at a time, and no neutral label: a sentence without an opinion gets one, too. "
        "Irony is often taken at its word. "
        "Its movie sentences hold most of the test set of SST-2, so that a score there would be one of training data.",
        "files": ["config.toml", "labels.json", "tokenizer.json", "evidence.json"],
        "examples": ["I hate this awful phone", "What a wonderful day!"],
    },
    "english-russian": {
        "title": "Everyday English to Russian",
        "command": ["translate", "--data", "phrases"],
        "license": "MIT OR Apache-2.0",
        "description": "Translates short everyday sentences from English to Russian.",
        "limits": "It knows the words of 57,000 everyday sentences: small talk, travel, shopping, home, work. Other subjects, "
        "names, numbers and long sentences are beyond it. The probability of a translation says what it is worth: above a half "
        "it is good, and below a hundredth a short one rarely is.",
        "files": ["config.toml", "tokenizers.json", "search.toml"],
        "examples": ["How are you?", "Where is the station?"],
    },
    "fables": {
        "title": "A character model of fables",
        "command": [
            *("generate", "--data", "fables", "--epochs", "20", "--batch-size", "16"),
            *("--schedule", "cosine", "--dropout", "0.3"),
        ],
        "license": "MIT OR Apache-2.0",
        "description": "Continues a text in the manner of short fables, character by character, and completes words.",
        "limits": "It has read 86 fables, 106 kB in all: it spells words and builds phrases, and tells no story.",
        "files": ["config.toml", "tokenizer.json"],
        "examples": ["The fox said", "The old woman"],
    },
    "spoken-digits": {
        "title": "Spoken digits and commands, synthetic",
        "command": ["transcribe"],
        "license": "MIT OR Apache-2.0",
        "description": "Recognizes ten English and ten Russian digits and twelve English commands, live or in recordings, as the "
        "formant synthesizer of recurrent-audio speaks them.",
        "limits": "It has never heard a human: real speakers are mostly misunderstood. It is for trying out streams, not for use.",
        "files": ["config.toml", "tokenizer.json", "normalization.json"],
        "examples": ["FILE.wav"],
    },
    "chorales": {
        "title": "Hymns in four parts",
        "command": ["compose", "--embedding-dim", "36", "--hidden-size", "72", "--epochs", "2"],
        "license": "MIT OR Apache-2.0",
        "description": "Composes hymns in four parts from a key, a meter and a number of bars, and harmonizes melodies, as the "
        "rules of recurrent-music's composer do.",
        "limits": "It has learned from rules and has never read a human's music: 4/4 and 3/4, quarter notes and eighths, one key. "
        "A melody that leaves its key, or has shorter notes, is harmonized badly.",
        "files": ["config.toml", "music.json"],
        "examples": ["--key Am --bars 8"],
    },
}


def classify_scores(run: pathlib.Path) -> list[dict]:
    rows = [
        {"model": row["classifier"], "accuracy": row["accuracy"], "auroc": row["auroc"]} for row in classifiers(run)
    ]
    for of_kind in accuracies(run, rows[0]["model"]):
        kind, _ = of_kind.pop("kind"), of_kind.pop("sentences")
        rows += [{"model": f"{model}, {kind}", "accuracy": accuracy} for model, accuracy in of_kind.items()]
    return rows


def translate_scores(run: pathlib.Path) -> list[dict]:
    return [{"model": row["translator"], "bleu": row["bleu"], "chrf": row["chrf"]} for row in translators(run)]


def generate_scores(run: pathlib.Path) -> list[dict]:
    return [{"model": row["model"], "nats_per_character": row["nats"]} for row in language_models(run)]


def transcribe_scores(run: pathlib.Path) -> list[dict]:
    rival = scores(run)["template_matching_wer"]
    found = {key: recognized(run)[key] / 100 for key in ("wer", "cer")}
    rows = [{"model": "GRU", "word_error_rate": found["wer"], "character_error_rate": found["cer"]}]
    return rows + [{"model": "template matching", "word_error_rate": rival}]


def compose_scores(run: pathlib.Path) -> list[dict]:
    found = scores(run)
    rows = [("LSTM", found["nats_per_frame"]), (found["baseline"]["name"], found["baseline"]["nats_per_frame"])]
    rows.append(("the rules that composed the test pieces", found["source_nats_per_frame"]))
    return [{"model": name, "nats_per_frame": nats} for name, nats in rows]


SCORES = {
    "classify": classify_scores,
    "compose": compose_scores,
    "generate": generate_scores,
    "transcribe": transcribe_scores,
    "translate": translate_scores,
}


def half_precision(weights: bytes) -> bytes:
    """The same safetensors file with its single-precision tensors in half precision."""
    (length,) = struct.unpack_from("<Q", weights)
    header = json.loads(weights[8 : 8 + length])
    data = memoryview(weights)[8 + length :]
    parts, at = [], 0
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        begin, end = tensor["data_offsets"]
        part = bytes(data[begin:end])
        if tensor["dtype"] == "F32":
            count = len(part) // 4
            part = struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", part))
            tensor["dtype"] = "F16"
        tensor["data_offsets"] = [at, at + len(part)]
        at += len(part)
        parts.append(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def latency(program: str, run: pathlib.Path, inputs: list[str]) -> float:
    """Milliseconds for one more input of a call."""
    def seconds(count: int) -> float:
        start = time.monotonic()
        lines = "".join(f"{inputs[index % len(inputs)]}\n" for index in range(count))
        subprocess.run([program, "predict", str(run)], input=lines, text=True, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - start

    seconds(1)
    return 1000 * (seconds(2001) - seconds(1)) / 2000


def card(name: str, run: pathlib.Path, folder: pathlib.Path, milliseconds: float | None) -> str:
    entry = MODELS[name]
    config = tomllib.loads((run / "config.toml").read_text(encoding="utf-8"))
    fields = {
        "name": name,
        "title": entry["title"],
        "task": config["task"],
        "description": entry["description"],
        "limits": entry["limits"],
        "license": entry["license"],
        "data": config["data"],
        "data_sha256": config["sha256"],
        "command": " ".join(["train", *entry["command"]]),
        "made_by": config["written_by"],
        "made_on": today(),
        "num_bytes": sum(file.stat().st_size for file in folder.iterdir()),
        "examples": entry["examples"],
    }
    if milliseconds is not None:
        fields |= {"milliseconds": round(milliseconds, 1), "machine": machine()}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    for row in SCORES[config["task"]](run):
        lines.append("\n[[scores]]")
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items()]
    return "\n".join(lines) + "\n"


def pack(name: str, run: pathlib.Path, program: str) -> None:
    entry = MODELS[name]
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in entry["files"]:
        text = (run / file).read_bytes()
        if len(text) < LONG:
            (folder / file).write_bytes(text)
        else:
            # Without a time, so that equal texts give equal files.
            (folder / f"{file}.gz").write_bytes(gzip.compress(text, mtime=0))
    (folder / "weights.safetensors").write_bytes(half_precision((run / "weights.safetensors").read_bytes()))
    has_sentences = entry["command"][0] in ("classify", "translate")
    milliseconds = latency(program, run, entry["examples"]) if has_sentences else None
    text = card(name, run, folder, milliseconds)
    (folder / "card.toml").write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("--program", default="target/release/train")
    parser.add_argument("--run", type=pathlib.Path, help="a run that the model's command has trained")
    args = parser.parse_args()
    if args.run:
        pack(args.name, args.run, args.program)
        return
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        subprocess.run([args.program, *MODELS[args.name]["command"], "--out", str(run)], cwd=ROOT, check=True)
        pack(args.name, run, args.program)


if __name__ == "__main__":
    sys.exit(main())
