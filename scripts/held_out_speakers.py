#!/usr/bin/env python3
"""Makes tables of the Free Spoken Digit Dataset in which one speaker is a stranger.

usage: scripts/held_out_speakers.py [TABLE]

TABLE is datasets/raw/fsdd/fsdd.csv, as `train data fetch fsdd` writes it. Beside it, fsdd-SPEAKER.csv has all recordings of
one speaker for test, those of the next for validation, and the others' for training.
"""
import csv
import pathlib
import sys


def main() -> None:
    if len(sys.argv) > 2 or sys.argv[1:] == ["--help"]:
        sys.exit(__doc__.split("\n\n")[1])
    table = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "datasets/raw/fsdd/fsdd.csv")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        # Such as recordings/7_jackson_32.wav.
        row["speaker"] = pathlib.Path(row["wav"]).stem.split("_")[1]
    speakers = sorted({row["speaker"] for row in rows})
    for held_out, valid in zip(speakers, speakers[1:] + speakers[:1]):
        path = table.with_name(f"fsdd-{held_out}.csv")
        split = {held_out: "test", valid: "valid"}
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, ["wav", "text", "speaker", "split", "sha256"], lineterminator="\n")
            out.writeheader()
            out.writerows({**row, "split": split.get(row["speaker"], "train")} for row in rows)
        print(path)


if __name__ == "__main__":
    main()
