#!/usr/bin/env python3
"""The tables of measured numbers in README.md and docs/.

usage: python3 scripts/tables.py --check                      fail if a table is not what its record says
       python3 scripts/tables.py --write                      rewrite all tables from their records
       python3 scripts/tables.py --measure NAME [-- SETTINGS] measure again, and write docs/measured/NAME.json
       python3 scripts/tables.py --study RUN                  write docs/measured/compare.json from a run of `train compare`

A table stands between two markers, and nothing but this script writes there:

  <!-- generated: NAME -->
  <!-- end -->

Its numbers are in a record, a JSON file in docs/measured with the command, machine, date and versions of the
measurement. `scripts/bench_peers.py --record` writes the records of the speed beside other libraries.

NAME of --measure is one of
  weather            each cell with three seeds
  electricity        three seeds
  stocks             one run
  tiny-shakespeare   one run; about an hour on two cores
  phrases            one run
  translation-probability   the pretrained translator: what the probability of a translation is worth
  home-assistant     with additive, general and no attention
  vader-reviews      three seeds and an ensemble, beside the baselines
  reviews            one run, by kind
  fine-tuning        everyday sentences of opinions, three seeds from nothing and from a network of its other genres
  demo               `train demo`
  features           how many crates are compiled, by `cargo tree`
  memory             the memory of training on texts and tables of different sizes; some minutes, 3 GB of disk
  wake-word          misses and false alarms of a wake word, by the example wake_word
  mfcc-digits        each cell with three seeds, by the example mfcc_digits
  recorded-speech    FSDD, its official test part and each speaker held out
  an4                AN4, one run
  launches           how many kernels a GPU is asked to launch, with the backend wgpu

The record training-length is filled in by hand from `cargo bench -p recurrent-models`: medians, and `max alloc`.
electricity, tiny-shakespeare, home-assistant, vader-reviews, fine-tuning (opinions) and mfcc-digits need their data: `train data fetch NAME`. SETTINGS are
added to each run of `train`.
"""
import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from measured import runs, study
from measured.record import ROOT, Record, load, load_all
from measured.views import contents

BEGIN = re.compile(r"^<!-- generated: (?P<name>[a-z0-9-]+) -->$")
END = "<!-- end -->"


def pages() -> list[pathlib.Path]:
    """All that can have tables."""
    return [ROOT / "README.md", *sorted((ROOT / "docs/src").glob("**/*.md")), *sorted(ROOT.glob("crates/*/README.md"))]


def filled(path: pathlib.Path, text: str, tables: dict[str, str]) -> str:
    """The page with each table as its record says."""
    lines, place = [], None
    for number, line in enumerate(text.splitlines(), 1):
        begin = BEGIN.match(line)
        if begin and place:
            raise SystemExit(f"{path}, line {number}: a table begins before the one of line {place} has ended")
        if begin:
            name, place = begin["name"], number
            if name not in tables:
                raise SystemExit(f"{path}, line {number}: no table `{name}`: expected one of {', '.join(sorted(tables))}")
            lines += [line, tables[name]]
        elif line == END:
            if not place:
                raise SystemExit(f"{path}, line {number}: an end without a beginning")
            lines.append(line)
            place = None
        elif not place:
            lines.append(line)
    if place:
        raise SystemExit(f"{path}, line {place}: the table has no end, `{END}`")
    return "\n".join(lines) + "\n"


def check(tables: dict[str, str]) -> bool:
    """Whether all tables are as their records say; prints how they differ."""
    same = True
    for path in pages():
        text = path.read_text(encoding="utf-8")
        expected = filled(path, text, tables)
        if text != expected:
            same = False
            name = str(path.relative_to(ROOT))
            sys.stdout.writelines(
                difflib.unified_diff(text.splitlines(True), expected.splitlines(True), name, f"{name}, as recorded")
            )
    if not same:
        print("A table differs from its record: run `python3 scripts/tables.py --write`.", file=sys.stderr)
    return same


def write(tables: dict[str, str]) -> None:
    for path in pages():
        text = path.read_text(encoding="utf-8")
        expected = filled(path, text, tables)
        if text != expected:
            path.write_text(expected, encoding="utf-8")
            print(path.relative_to(ROOT))


def measured(name: str, program: pathlib.Path | None, settings: list[str]) -> Record:
    if name == "features":
        return runs.features()
    if name == "launches":
        return runs.launches(program or built(["-p", "train", "--example", "bench_worker", "--features", "wgpu"]))
    if example := runs.BY_EXAMPLE.get(name):
        return runs.of_example(name, program or built(["-p", "recurrent-examples", "--example", example]))
    program = program or built(["-p", "train"])
    with tempfile.TemporaryDirectory() as folder:
        return runs.BY_TRAIN[name](runs.Train([str(program)], settings, pathlib.Path(folder)))


def built(arguments: list[str]) -> pathlib.Path:
    """Builds a program in release, and says where it is."""
    command = ["cargo", "build", "--release", *arguments, "--message-format", "json-render-diagnostics"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    return next(pathlib.Path(message["executable"]) for message in reversed(messages) if message.get("executable"))


def of_study(run: pathlib.Path) -> Record:
    found = json.loads((run / "compare.json").read_text(encoding="utf-8"))
    return load("compare").measured_now(study.reduced(found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail if a table is not what its record says")
    action.add_argument("--write", action="store_true", help="rewrite all tables from their records")
    names = [*runs.BY_TRAIN, *runs.BY_EXAMPLE, "features", "launches"]
    action.add_argument("--measure", choices=names, help="measure, and write the record")
    action.add_argument("--study", type=pathlib.Path, metavar="RUN", help="take the record from a run of `train compare`")
    parser.add_argument("--program", type=pathlib.Path, help="a `train` (for launches, a bench_worker; for wake-word and mfcc-digits, the example) that is built already")
    parser.add_argument("--machine", help="what the record calls this machine; by default, its processor and cores")
    parser.add_argument("settings", nargs="*", help="further settings of each run")
    args = parser.parse_args()

    if args.check:
        return 0 if check(contents(load_all())) else 1
    if args.write:
        write(contents(load_all()))
        return 0
    record = of_study(args.study) if args.study else measured(args.measure, args.program, args.settings)
    if args.machine:
        record.machine = args.machine
    record.save()
    print(f"{record.path.relative_to(ROOT)}: `python3 scripts/tables.py --write` puts it into the pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
