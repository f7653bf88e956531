"""How much memory training takes for texts and tables of different sizes.

Each run trains until its first checkpoint inside an epoch is written, and is then ended: what it has read, encoded and
gathered by then is what a whole epoch needs.
"""
import datetime
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

from measured.record import Record, load

MEGABYTE = 1_000_000
TEXTS = [10, 100, 1000]
TABLES = [1_000, 100_000, 1_000_000, 5_000_000]
# A small network, so that memory is that of the data.
NETWORK = ["--hidden-size", "8", "--epochs", "1", "--checkpoint-every", "8"]


def memory(program: list[str], folder: pathlib.Path) -> Record:
    texts, tables = [], []
    for megabytes in TEXTS:
        path = folder / "text.txt"
        write_text(path, megabytes)
        command = ["generate", "--data", str(path), "--embedding-dim", "8", "--tokenizer", "chars", *NETWORK]
        texts.append({"size": megabytes, **run(program, command, folder)})
        path.unlink()
    for rows in TABLES:
        path = folder / "table.csv"
        write_table(path, rows)
        # Rows of a quarter of an hour; a few windows per batch.
        command = ["forecast", "--data", str(path), "--target", "a", "--window", "50", "--batch-size", "16", *NETWORK]
        found = run(program, command, folder)
        tables.append({"rows": rows, "megabytes": round(path.stat().st_size / MEGABYTE, 1), **found})
        path.unlink()
    return load("memory").measured_now({"memory-texts": texts, "memory-tables": tables})


def write_text(path: pathlib.Path, megabytes: int) -> None:
    """Words of a made-up language, most of them frequent."""
    rng = random.Random(megabytes)
    word = lambda: "".join(rng.choice("bdgklmnprst") + rng.choice("aeiou") for _ in range(rng.randint(1, 3)))  # noqa: E731
    words = [word() for _ in range(2000)]
    block = " ".join(words[min(int(rng.expovariate(0.005)), 1999)] for _ in range(200_000))
    with path.open("w", encoding="utf-8") as file:
        written = 0
        while written < megabytes * MEGABYTE:
            start = rng.randrange(len(block) // 2)
            written += file.write(block[start : start + MEGABYTE // 2] + "\n")


def write_table(path: pathlib.Path, rows: int) -> None:
    """A table of three columns, one row in each quarter of an hour."""
    rng = random.Random(rows)
    start = datetime.datetime(1900, 1, 1)
    step = datetime.timedelta(minutes=15)
    a = b = 0.0
    with path.open("w", encoding="utf-8") as file:
        file.write("time,a,b,c\n")
        for row in range(rows):
            a, b = 0.9 * a + rng.gauss(0, 1), 0.5 * b + rng.gauss(0, 1)
            file.write(f"{start + row * step:%Y-%m-%d %H:%M:%S},{a:.4f},{b:.4f},{a + b:.4f}\n")


def run(program: list[str], command: list[str], folder: pathlib.Path) -> dict:
    """Trains until the first checkpoint; gives the largest resident memory in MB, and the seconds until then."""
    out = folder / "run"
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = time.monotonic()
    child = subprocess.Popen([*program, *command, "--out", str(out)], **silent)
    checkpoints = out / "checkpoints"
    while not any(checkpoints.glob("epoch-*")):
        if child.poll() is not None:
            raise SystemExit(f"train {' '.join(command)}: it ended with {child.returncode} before its first checkpoint")
        time.sleep(0.05)
    seconds = time.monotonic() - start
    child.send_signal(signal.SIGINT)
    _, _, usage = os.wait4(child.pid, 0)
    shutil.rmtree(out)
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"resident": round(usage.ru_maxrss * unit / MEGABYTE), "seconds": round(seconds, 1)}
