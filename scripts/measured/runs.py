"""Tables that are measured by running `train`, `cargo tree` or the benchmark's worker.

Each run of `train` goes into a folder of its own that is removed afterwards.
"""
import csv
import dataclasses
import json
import math
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable

from measured.memory import memory
from measured.record import ROOT, Record, load

SEEDS = (0, 1, 2)


class Train:
    """Runs of `train` with further settings, in a folder that goes away."""

    def __init__(self, program: list[str], settings: list[str], folder: pathlib.Path):
        self.program, self.settings, self.folder = program, settings, folder
        self.count = 0
        # The processor time of the last run, in seconds: training, evaluation and baselines.
        self.processor = 0.0

    def __call__(self, *command: str) -> tuple[pathlib.Path, float]:
        """Trains a network; gives the run's folder and how many seconds it took."""
        out = self.folder / str(self.count)
        self.count += 1
        start, used = time.monotonic(), processor_time()
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*self.program, *command, "--out", str(out), *self.settings], cwd=ROOT, check=True, **silent)
        self.processor = processor_time() - used
        return out, time.monotonic() - start


def processor_time() -> float:
    """The seconds that finished child processes have spent on all cores."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def scores(run: pathlib.Path) -> dict:
    return json.loads((run / "scores.json").read_text(encoding="utf-8"))


def weather(train: Train) -> Record:
    rows, baselines = [], []
    for cell in ("rnn", "lstm", "gru"):
        for seed in SEEDS:
            run, seconds = train("forecast", "--data", "weather", "--cell", cell, "--seed", str(seed))
            network, *baselines = forecasters(run)
            name = f"{network['forecaster']}, seed {seed}"
            rows.append({**network, "forecaster": name, "seconds": round(seconds)})
    rows += [{**baseline, "seconds": 0} for baseline in baselines]
    return load("weather").measured_now({"weather": rows})


def electricity(train: Train) -> Record:
    rows, baselines, intervals = [], [], []
    for seed in SEEDS:
        run, _ = train("forecast", "--data", "electricity", "--seed", str(seed))
        network, *baselines = forecasters(run)
        rows.append({**network, "forecaster": f"{network['forecaster']}, seed {seed}"})
        found = scores(run)[0]["intervals"]
        coverage = {f"covered_{100 * each['nominal']:.0f}": 100 * each["coverage"] for each in found["intervals"]}
        intervals.append({"seed": seed, **coverage, "crps": found["crps"]})
    return load("electricity").measured_now({"electricity": rows + baselines, "electricity-intervals": intervals})


def stocks(train: Train) -> Record:
    run, _ = train("forecast", "--data", "stocks")
    return load("stocks").measured_now({"stocks": forecasters(run)})


def forecasters(run: pathlib.Path) -> list[dict]:
    """The rows of a forecast's first target."""
    kept = ("mae", "rmse", "skill")
    return [
        {"forecaster": row["name"], **{key: row["score"][key] for key in kept}}
        for row in scores(run)[0]["rows"]
        if row["score"]
    ]


def tiny_shakespeare(train: Train) -> Record:
    recipe = "--hidden-size 512 --dropout 0.4 --lr 0.003 --bptt 128 --epochs 15 --batch-size 32".split()
    run, _ = train("generate", "--data", "tiny-shakespeare", *recipe)
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [{"epoch": each["epoch"], "train": each["train_loss"], "valid": each["valid_loss"]} for each in epochs]
    network, ngrams = language_models(run)
    uniform = {"model": "uniform over 65 characters", "nats": math.log(65), "bits": math.log2(65)}
    models = [{**network, "processor": train.processor}, ngrams, uniform]
    return load("tiny-shakespeare").measured_now({"tiny-shakespeare": rows, "tiny-shakespeare-models": models})


def language_models(run: pathlib.Path) -> list[dict]:
    """The network first, then the n-grams."""
    found = scores(run)
    ngrams = found["ngrams"]
    named = [("LSTM", found), (f"{ngrams['order']}-grams with Kneser–Ney smoothing", ngrams)]
    return [{"model": name, "nats": score["nats"], "bits": score["bits_per_character"]} for name, score in named]


def phrases(train: Train) -> Record:
    run, _ = train("translate", "--data", "phrases")
    network, *baselines = translators(run)
    rows = [{**network, "processor": train.processor}, *reversed(baselines)]
    return load("phrases").measured_now({"phrases": rows})


def translation_probability(train: Train) -> Record:
    """The pretrained translator's test translations in quarters, the most probable first."""
    command = [*train.program, "evaluate", "zoo:english-russian"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    line = re.compile(r"^(\w+ quarter) +([\d.]+) +([\d.]+) +([\d.]+) +at least ([\d.e-]+)$", re.MULTILINE)
    keys = ("quarter", "bleu", "chrf", "exact", "least")
    rows = [dict(zip(keys, [name, *map(float, numbers)])) for name, *numbers in line.findall(output)]
    return load("translation-probability").measured_now({"translation-probability": rows})


def home_assistant(train: Train) -> Record:
    shared = "--joint --copy --vocab-size 3000 --cell lstm --batch-size 32".split()
    recipes = {
        "LSTM, 192 units, 5 epochs": "--hidden-size 192 --embedding-dim 192 --dropout 0.2 --epochs 5 --warmup 300 "
        "--length-penalty 1",
        "LSTM, 192 units, 14 epochs": "--hidden-size 192 --embedding-dim 192 --dropout 0.2 --epochs 14 --warmup 500",
        "LSTM, 256 units, 16 epochs": "--hidden-size 256 --embedding-dim 256 --dropout 0.4 --epochs 16 --warmup 500",
    }
    rows = []
    for name, recipe in recipes.items():
        run, _ = train("translate", "--data", "home-assistant", *shared, *recipe.split())
        network, *baselines = translators(run)
        rows.append({**network, "translator": name, "processor": train.processor})
    return load("home-assistant").measured_now({"home-assistant": [*rows, *baselines]})


def translators(run: pathlib.Path) -> list[dict]:
    """The network first, then the baselines."""
    found = scores(run)
    rows = [
        {
            "translator": row["name"],
            "bleu": row["bleu"]["score"],
            "brevity": row["bleu"]["brevity_penalty"],
            "chrf": row["chrf"],
            "exact": 100 * row["exact"],
        }
        for row in found["rows"]
    ]
    rows[0]["perplexity"] = 2.718281828459045 ** found["loss"]
    return [{"perplexity": None, **row} for row in rows]


def vader_reviews(train: Train) -> Record:
    rows = []
    for seed in SEEDS:
        run, _ = train("classify", "--data", "vader-reviews", "--ensemble", "1", "--seed", str(seed))
        network, *_ = classifiers(run)
        name = f"{network['classifier']}, seed {seed}"
        rows.append({**network, "classifier": name, "processor": train.processor})
    run, _ = train("classify", "--data", "vader-reviews")
    network, *baselines = classifiers(run)
    rows += [{**network, "processor": train.processor}, *baselines]
    return load("vader-reviews").measured_now({"vader-reviews": rows})


def reviews(train: Train) -> Record:
    run, _ = train("classify", "--data", "reviews")
    network, *baselines = classifiers(run)
    rows = [{**network, "processor": train.processor}, *baselines]
    return load("reviews").measured_now({"reviews": rows, "reviews-kinds": accuracies(run, "network")})


def fine_tuning(train: Train) -> Record:
    """Everyday sentences, by networks that start from nothing, and from one that read sentences of other genres alone."""
    with (ROOT / "datasets/raw/opinions/opinions.csv").open(encoding="utf-8", newline="") as file:
        sentences = list(csv.DictReader(file))
    train.folder.mkdir(exist_ok=True)
    everyday, others = train.folder / "everyday.csv", train.folder / "others.csv"
    for path, is_everyday in ((everyday, True), (others, False)):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, sentences[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(row for row in sentences if (row["genre"] == "everyday") == is_everyday)
    network = "--pooling attention --embedding-dim 32 --hidden-size 64 --word-dropout 0.15".split()
    single = ("--split-column", "part", "--ensemble", "1")
    base, _ = train("classify", "--data", str(others), *single, *network, "--vocab-size", "12000")
    starts = {
        "nothing": (),
        "nothing, with the network of the last row": network,
        "a network of movie and product reviews, tweets and editorials": ("--from", str(base)),
    }
    rows = []
    for start, settings in starts.items():
        found, used = [], 0.0
        for seed in SEEDS:
            run, _ = train("classify", "--data", str(everyday), *single, *settings, "--seed", str(seed))
            found.append(classifiers(run))
            used += train.processor
        accuracies = [network["accuracy"] for network, *_ in found]
        rows.append({
            "start": start, "accuracy": sum(accuracies) / len(SEEDS), "least": min(accuracies), "most": max(accuracies),
            "auroc": sum(network["auroc"] for network, *_ in found) / len(SEEDS), "processor": used / len(SEEDS),
        })
    missing = dict.fromkeys(("least", "most", "processor"))
    rivals = [{**missing, "start": rival["classifier"], **{key: rival[key] for key in ("accuracy", "auroc")}} for rival in found[0][1:]]
    return load("fine-tuning").measured_now({"fine-tuning": [*rows, *rivals]})


def accuracies(run: pathlib.Path, network: str) -> list[dict]:
    """The accuracy of each model, the network first, for each kind of sentence."""
    found = scores(run)
    names = (network, *(baseline["name"] for baseline in found["baselines"]))
    return [
        {"kind": kind["kind"], "sentences": kind["support"]} | dict(zip(names, (kind["network"], *kind["baselines"])))
        for kind in found["kinds"]
    ]


def classifiers(run: pathlib.Path) -> list[dict]:
    """The network first, then the baselines."""
    kept = ("accuracy", "macro_f1", "auroc", "calibration_error")
    found = scores(run)
    named = [(found["name"], found["network"])]
    named += [(f"{baseline['name']} with logistic regression", baseline) for baseline in found["baselines"]]
    return [{"classifier": name, **{key: score[key] for key in kept}} for name, score in named]


def spoken_digits(train: Train) -> Record:
    rows = []
    for seed in SEEDS:
        run, _ = train("transcribe", "--seed", str(seed))
        rows.append({"recognizer": f"GRU, seed {seed}", **recognized(run), "processor": train.processor})
    rival = {"recognizer": "template matching", "wer": 100 * scores(run)["template_matching_wer"]}
    missing = dict.fromkeys(("cer", "median", "p95", "factor", "processor"))
    return load("spoken-digits").measured_now({"spoken-digits": [*rows, {**rival, **missing}]})


FSDD_SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def recorded_speech(train: Train) -> Record:
    """The corpus is fetched, and scripts/held_out_speakers.py has made the tables of speakers."""
    recipe = "--sample-rate 8000 --stack 2 --epochs 30 --lr 3e-3 --dropout 0.2 --speed 0.1 --gain 20 --noise 0.3".split()
    runs = [("FSDD, official test part", "fsdd")]
    runs += [(f"FSDD, all of `{name}` held out", f"datasets/raw/fsdd/fsdd-{name}.csv") for name in FSDD_SPEAKERS]
    rows = []
    for title, data in runs:
        run, _ = train("transcribe", "--data", data, *recipe)
        rows.append({"data": title, **recorded(run), "processor": train.processor})
    return load("recorded-speech").measured_now({"recorded-speech": rows})


def an4(train: Train) -> Record:
    """The corpus is fetched."""
    recipe = "--tokenizer chars --split 0.97,0.02,0.01 --hidden-size 256 --epochs 90 --dropout 0.3"
    run, _ = train("transcribe", "--data", "an4", *recipe.split(), *"--framewise 0.2 --masks 2".split())
    row = {"data": "AN4, official test part", **recorded(run), "processor": train.processor}
    return load("an4").measured_now({"an4": [row]})


def recorded(run: pathlib.Path) -> dict:
    """The error rates in percent: of the network, with a lexicon if there is one, and of template matching."""
    found, rival = recognized(run), scores(run)["template_matching_wer"]
    with_lexicon = (100 * rate for rate in scores(run).get("with_lexicon", []))
    rates = {key: found[key] for key in ("wer", "cer")}
    return rates | dict(zip(("lexicon_wer", "lexicon_cer"), with_lexicon)) | {"rival": rival and 100 * rival}


def chorales(train: Train) -> Record:
    """The pieces by rule with every seed, beside n-grams and the rules themselves."""
    rows = []
    for seed in SEEDS:
        run, _ = train("compose", "--seed", str(seed))
        found = scores(run)
        rows.append({"model": f"LSTM, seed {seed}", **composed(found), "processor": train.processor})
    rows.append({"model": found["baseline"]["name"], "nats": found["baseline"]["nats_per_frame"]})
    test = {key: found["test"][key] for key in ("in_key", "repeated_bars", "longest_copy")}
    rows.append({"model": "the rules that composed the pieces", "nats": found["source_nats_per_frame"], **percent(test)})
    missing = dict.fromkeys(("accuracy", "in_key", "repeated_bars", "longest_copy", "processor"))
    return load("chorales").measured_now({"chorales": [{**missing, **row} for row in rows]})


# Of the piano roll the published figures leave out the first frame of each piece (Chung et al. 2014, Bai et al. 2018).
PUBLISHED = {"rnn": 8.91, "lstm": 8.45, "gru": 8.43}


JSB_ROLL = "--notation roll --weight-decay 0.05 --clip-norm 10 --epochs 100 --transpose 0.5"

# A vanilla RNN takes a lower rate.
RNN_RATE = ("--lr", "1e-3")


def jsb(train: Train) -> Record:
    """The file of the JSB chorales is in datasets/raw."""
    data = ("--data", "jsb-chorales")
    recipes = {"tokens": [], "piano roll": JSB_ROLL.split()}
    rows = []
    for notation, recipe in recipes.items():
        for cell in ("rnn", "lstm", "gru"):
            run, _ = train("compose", *data, "--cell", cell, *recipe, *(RNN_RATE if cell == "rnn" else ()))
            found = scores(run)
            published = PUBLISHED[cell] if notation == "piano roll" else None
            row = {"model": f"{cell.upper()}, {notation}", **composed(found), "processor": train.processor}
            rows.append({**row, "published": published})
        rival = found["baseline"]
        missing = dict.fromkeys(("accuracy", "in_key", "repeated_bars", "longest_copy", "processor", "published"))
        rows.append({**missing, "model": f"{rival['name']}, {notation}", "nats": rival["nats_per_frame"]})
    return load("jsb").measured_now({"jsb": rows})


def composed(found: dict) -> dict:
    measures = {key: found["composed"][key] for key in ("in_key", "repeated_bars", "longest_copy")}
    return {"nats": found["nats_per_frame"], "accuracy": 100 * found["accuracy"], **percent(measures)}


def percent(measures: dict) -> dict:
    """Fractions in percent, and lengths as they are."""
    return {key: value if key == "longest_copy" else 100 * value for key, value in measures.items()}


def recognized(run: pathlib.Path) -> dict:
    found = scores(run)
    delays = {key: found[f"{key}_delay"] for key in ("median", "p95")}
    return {
        "wer": 100 * found["wer"],
        "cer": 100 * found["cer"],
        "factor": found["real_time_factor"],
        **{key: None if delay is None else 1000 * delay for key, delay in delays.items()},
    }


def demo(train: Train) -> Record:
    run, seconds = train("demo")
    network, *baselines = forecasters(run / "forecast")
    rival = min(baselines, key=lambda row: row["rmse"])
    translator, copy, nearest = translators(run / "translate")
    (lstm, ngram), classified = language_models(run / "generate"), scores(run / "classify")
    bag, ngrams = classified["baselines"]
    speech, music = scores(run / "transcribe"), scores(run / "compose")
    row = lambda *cells: dict(zip(("task", "network", "metric", "score", "baseline"), cells))
    rows = [
        row("forecast", network["forecaster"], "RMSE, °C", f"{network['rmse']:.2f}", f"{rival['forecaster']} {rival['rmse']:.2f}"),
        row("generate", lstm["model"], "nats per character", f"{lstm['nats']:.3f}", f"{ngram['model']} {ngram['nats']:.3f}"),
        row("translate", translator["translator"], "BLEU", f"{translator['bleu']:.2f}",
            f"nearest neighbor {nearest['bleu']:.2f}, copy {copy['bleu']:.2f}"),
        row("classify", classified["name"], "accuracy", f"{100 * classified['network']['accuracy']:.1f} %",
            f"{ngrams['name']} {100 * ngrams['accuracy']:.1f} %, {bag['name']} {100 * bag['accuracy']:.1f} %"),
        row("transcribe", "GRU", "word error rate", f"{100 * speech['wer']:.1f} %",
            f"template matching {100 * speech['template_matching_wer']:.1f} %"),
        row("compose", "LSTM", "nats a frame", f"{music['nats_per_frame']:.2f}",
            f"{music['baseline']['name']} {music['baseline']['nats_per_frame']:.2f}"),
    ]
    record = load("demo").measured_now({"demo": rows})
    return dataclasses.replace(record, note=f"{seconds:.0f} s in all.")


def features() -> Record:
    """How many crates Cargo compiles for each choice of features."""
    choices = [
        ("`burn` with `flex`, without Recurrent", None, []),
        ("`recurrent-models`, `flex`", "recurrent-models", ["--features", "flex"]),
        ("`recurrent` without default features, `flex`", "recurrent", ["--no-default-features", "--features", "flex"]),
        ("`recurrent`, `flex` (with `fit`)", "recurrent", ["--features", "flex"]),
        ("`recurrent`, `flex` and `fetch`", "recurrent", ["--features", "flex,fetch"]),
        ("`recurrent-models`, `wgpu`", "recurrent-models", ["--features", "wgpu"]),
        ("`recurrent`, `wgpu` (with `fit`)", "recurrent", ["--features", "wgpu"]),
    ]
    rows = []
    for title, package, arguments in choices:
        crates = tree(ROOT, ["--locked", "-p", package, *arguments]) if package else burn_alone()
        rows.append({"dependency": title, "crates": len(crates)})
    return dataclasses.replace(load("features").measured_now({"features": rows}), machine="any machine")


def tree(folder: pathlib.Path, arguments: list[str]) -> set[str]:
    command = ["cargo", "tree", "-e", "normal,build", "--prefix", "none", "-f", "{p}", *arguments]
    output = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.removesuffix(" (*)") for line in output.splitlines()}


def burn_alone() -> set[str]:
    """The crates of a program that depends on Burn with the same backend, itself not counted."""
    manifest = '[package]\nname = "bare"\nversion = "0.1.0"\nedition = "2024"\n\n[workspace]\n\n[dependencies]\n'
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "src").mkdir()
        (folder / "src/lib.rs").touch()
        shutil.copy(ROOT / "Cargo.lock", folder)
        burn = re.search(r"^burn = .*$", (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[0]
        (folder / "Cargo.toml").write_text(manifest + burn.replace('"std"', '"std", "flex"') + "\n", encoding="utf-8")
        return {line for line in tree(folder, []) if not line.startswith("bare ")}


LAUNCHES = [
    ("`keras`, LSTM, forward", "persistent", "keras lstm infer"),
    ("`keras`, LSTM, training step", "persistent", "keras lstm train"),
    ("`keras`, GRU, training step", "persistent", "keras gru train"),
    ("`keras`, RNN, training step", "persistent", "keras rnn train"),
    ("`seq2seq`, LSTM, forward", "persistent", "seq2seq lstm infer"),
    ("`seq2seq`, LSTM, training step", "persistent", "seq2seq lstm train"),
    ("`charlm`, LSTM, forward", "stepwise", "charlm lstm infer"),
    ("`charlm`, LSTM, training step", "stepwise", "charlm lstm train"),
    ("`keras`, LSTM, forward, captured and replayed", "–", "keras lstm replay"),
]


def launches(worker: pathlib.Path) -> Record:
    """How many kernels one iteration launches, by this project's layers and by Burn's own."""
    cases = [case for _, _, case in LAUNCHES]
    # Burn's own layers are not captured, and large ones take minutes without a GPU.
    peers = [case for case in cases if case.startswith(("keras", "seq2seq")) and not case.endswith("replay")]
    ours, theirs = launched(worker, [], cases), launched(worker, ["burn-nn"], peers)
    rows = [
        {"case": title, "schedule": schedule, "recurrent": ours[case], "burn-nn": theirs.get(case)}
        for title, schedule, case in LAUNCHES
    ]
    return load("launches").measured_now({"launches": rows})


def launched(worker: pathlib.Path, arguments: list[str], cases: list[str]) -> dict[str, int]:
    asked = "".join(f"{case} 1 1\n" for case in cases) + "quit\n"
    output = subprocess.run([worker, "wgpu", *arguments], input=asked, capture_output=True, text=True, check=True)
    counts = [int(count) for count in re.findall(r"(\d+) launches", output.stderr)]
    answers = [line.split()[0] for line in output.stdout.splitlines()[1:]]
    if answers != ["OK"] * len(cases) or len(counts) != len(cases):
        raise SystemExit(f"{worker}: unexpected answers\n{output.stdout}\n{output.stderr}")
    return dict(zip(cases, counts))


# The examples whose last line is a table as JSON: the misses and false alarms of a wake word in an hour of synthetic
# background, and the accuracies of each cell on spoken digits.
BY_EXAMPLE = {"wake-word": "wake_word", "mfcc-digits": "mfcc_digits"}


def of_example(name: str, example: pathlib.Path) -> Record:
    output = subprocess.run([example], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return load(name).measured_now({name: json.loads(output.splitlines()[-1])["rows"]})


BY_TRAIN: dict[str, Callable[[Train], Record]] = {
    "demo": demo,
    "memory": lambda train: memory([*train.program], train.folder),
    "weather": weather,
    "electricity": electricity,
    "stocks": stocks,
    "tiny-shakespeare": tiny_shakespeare,
    "phrases": phrases,
    "translation-probability": translation_probability,
    "home-assistant": home_assistant,
    "vader-reviews": vader_reviews,
    "reviews": reviews,
    "fine-tuning": fine_tuning,
    "spoken-digits": spoken_digits,
    "chorales": chorales,
    "jsb": jsb,
    "recorded-speech": recorded_speech,
    "an4": an4,
}
