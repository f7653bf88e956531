#!/usr/bin/env python3
"""Makes tables for `train transcribe` of two collections of recorded speech.

usage: scripts/speech_tables.py an4 FOLDER
       scripts/speech_tables.py fsdd FOLDER

FOLDER is a clone of https://github.com/cmusphinx/an4 or of https://github.com/Jakobovski/free-spoken-digit-dataset. The
tables are written into it:

- an4.csv: the official test part, whose speakers are not in training;
- fsdd.csv: the official test part, recordings 0 to 4 of each digit and speaker; the speakers are those of training;
- fsdd-SPEAKER.csv: all recordings of one speaker for test, and of the next for validation.
"""
import csv
import pathlib
import re
import sys

DIGITS = "zero one two three four five six seven eight nine".split()


def an4(folder: pathlib.Path) -> None:
    rows = []
    for part in ("train", "test"):
        names = (folder / f"etc/an4_{part}.fileids").read_text(encoding="utf-8").split()
        lines = (folder / f"etc/an4_{part}.transcription").read_text(encoding="utf-8").splitlines()
        for name, line in zip(names, filter(str.strip, lines), strict=True):
            text, of = re.fullmatch(r"(?:<s>\s*)?(.*?)(?:\s*</s>)?\s*\((\S+)\)\s*", line).groups()
            if not name.endswith(of):
                sys.exit(f"{folder}: expected the transcript of {name}, found that of {of}")
            # A test speaker is nobody in training, whatever the initials.
            speaker = f"{part}-{name.split('/')[-2]}"
            rows.append([f"wav/{name}.wav", text.strip().lower(), speaker, part])
    write(folder / "an4.csv", ["wav", "text", "speaker", "split"], rows)


def fsdd(folder: pathlib.Path) -> None:
    recordings = []
    for path in sorted((folder / "recordings").glob("*.wav")):
        digit, speaker, index = path.stem.split("_")
        recordings.append((f"recordings/{path.name}", DIGITS[int(digit)], speaker, int(index)))
    rows = [[path, text, "test" if index < 5 else "train"] for path, text, _, index in recordings]
    write(folder / "fsdd.csv", ["wav", "text", "split"], rows)
    speakers = sorted({speaker for _, _, speaker, _ in recordings})
    for held_out, valid in zip(speakers, speakers[1:] + speakers[:1]):
        split = {held_out: "test", valid: "valid"}
        rows = [[path, text, speaker, split.get(speaker, "train")] for path, text, speaker, _ in recordings]
        write(folder / f"fsdd-{held_out}.csv", ["wav", "text", "speaker", "split"], rows)


def write(path: pathlib.Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    print(f"{path}: {len(rows)} recordings")


def main() -> None:
    tables = {"an4": an4, "fsdd": fsdd}
    match sys.argv[1:]:
        case [name, folder] if name in tables:
            tables[name](pathlib.Path(folder))
        case _:
            sys.exit(__doc__.split("\n\n")[1])


if __name__ == "__main__":
    main()
