#!/usr/bin/env python3
"""How fast the layers are beside PyTorch's, and beside Burn's own: the same networks on the same machine at one time.

usage: python3 scripts/bench_peers.py [--peers torch,burn-nn] [--cases keras,big …] [--rounds 3] [--threads 2]

Builds `crates/train/examples/bench_worker`, puts PyTorch into a virtual environment (`--venv`; some gigabytes, once),
starts one program each and asks them for the same case in turn, so that a noisy machine is noisy for all. What is
compared is the best time of each: PyTorch's threads at times wait for one another, and a machine for somebody else.

Into `--out` it writes

  times.jsonl   every time that was taken, with the versions and the machine
  table.md      the table, the peak of a product in the same run, and the way that time goes with the sequence's length
  length.svg    the last of these as a picture, if there were cases of it

A case is `SHAPE CELL MODE`; `--cases` takes what cases begin with, such as `charlm` or `keras lstm` or `long`.
`scripts/bench/cases.py` has them all and says what they are.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import venv

from bench.cases import ALL, Case, Times
from bench.length import draw
from bench.report import report
from bench.worker import Worker

SCRIPTS = pathlib.Path(__file__).resolve().parent
ROOT = SCRIPTS.parent
PEERS = ("torch", "burn-nn")
# In a run's table, the programs by these names.
OURS = "recurrent"


def built(device: str) -> pathlib.Path:
    """Builds the worker with the device compiled in, and says where it is."""
    command = ["cargo", "build", "--release", "-p", "train", "--example", "bench_worker", "--features", device]
    command += ["--message-format", "json-render-diagnostics"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    return next(pathlib.Path(message["executable"]) for message in reversed(messages) if message.get("executable"))


def python_with_torch(folder: pathlib.Path) -> pathlib.Path:
    """A Python that has PyTorch: the one in `folder`, which is made if it is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    # Its tensors are read back by way of NumPy.
    if subprocess.run([python, "-c", "import torch, numpy"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "torch", "numpy"], check=True)
    return python


def processor() -> str:
    """The processor's name, and how many of it there are."""
    name = platform.processor() or platform.machine()
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        found = re.search(r"^model name\s*: (.*)$", information.read_text(), re.MULTILINE)
        name = found[1] if found else name
    return f"{name}, {os.cpu_count()} cores"


def burn_version() -> str:
    lock = (ROOT / "Cargo.lock").read_text()
    return re.search(r'name = "burn"\nversion = "(.*)"', lock)[1]


def selected(cases: list[Case], wanted: list[str]) -> list[Case]:
    """The cases that begin with one of what is wanted; all if nothing is."""
    unknown = [beginning for beginning in wanted if not any(case.title.startswith(beginning) for case in cases)]
    if unknown:
        sys.exit(f"no case begins with {', '.join(unknown)}: there are {', '.join(case.title for case in cases)}")
    return [case for case in cases if not wanted or any(case.title.startswith(beginning) for beginning in wanted)]


def measure(workers: list[Worker], cases: list[Case], rounds: int, log) -> list[Times]:
    """Asks the workers in turn, and keeps every answer in the log."""
    taken = []
    for case in cases:
        times = Times(case)
        for _ in range(rounds):
            for worker in workers:
                answer = worker.ask(case)
                if answer is None:
                    continue
                times.of(worker.name).extend(answer.wall)
                line = {"case": case.title, "worker": worker.name, "version": worker.version, "wall": answer.wall}
                log.write(json.dumps({**line, "cpu": answer.cpu, "load": os.getloadavg()[0]}) + "\n")
                log.flush()
        print(times, flush=True)
        taken.append(times)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: [word.strip() for word in text.split(",") if word.strip()]
    parser.add_argument("--peers", type=words, default=["torch"], help=f"of {', '.join(PEERS)}; the default is torch")
    parser.add_argument("--cases", type=words, default=[], help="what cases begin with; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program is asked; 3 by default")
    parser.add_argument("--threads", type=int, default=2, help="2 by default")
    parser.add_argument("--device", default="flex", help="of this project and Burn; PyTorch takes a GPU for `cuda` only")
    parser.add_argument("--venv", type=pathlib.Path, default=ROOT / "runs/bench/venv", help="where PyTorch is, or goes")
    parser.add_argument("--worker", type=pathlib.Path, help="a bench_worker that is built already")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs/bench", help="a folder; runs/bench by default")
    args = parser.parse_args()
    if unknown := [peer for peer in args.peers if peer not in PEERS]:
        parser.error(f"unknown peers {', '.join(unknown)}: expected {', '.join(PEERS)}")
    cases = selected(ALL, args.cases)

    ours = args.worker or built(args.device)
    commands = {OURS: [ours, args.device]}
    if "torch" in args.peers:
        on = "cuda" if args.device == "cuda" else "cpu"
        commands["torch"] = [python_with_torch(args.venv), SCRIPTS / "bench/torch_worker.py", on]
    if "burn-nn" in args.peers:
        commands["burn-nn"] = [ours, args.device, "burn-nn"]

    args.out.mkdir(parents=True, exist_ok=True)
    workers = [Worker(name, command, args.threads) for name, command in commands.items()]
    about = {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "threads": args.threads,
        "burn": burn_version(),
        "programs": {worker.name: worker.version for worker in workers},
    }
    with open(args.out / "times.jsonl", "w", encoding="utf-8") as log:
        log.write(json.dumps(about) + "\n")
        times = measure(workers, cases, args.rounds, log)
    for worker in workers:
        worker.quit()

    table = report(times, list(commands), about)
    (args.out / "table.md").write_text(table, encoding="utf-8")
    picture = draw(times, list(commands))
    if picture:
        (args.out / "length.svg").write_text(picture, encoding="utf-8")
    print(f"\n{table}\n{args.out}")


if __name__ == "__main__":
    main()
