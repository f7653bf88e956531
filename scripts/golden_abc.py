"""Writes the notes of ABC tunes as music21 10.5.1 reads them.

    .venv/bin/pip install music21==10.5.1
    .venv/bin/python scripts/golden_abc.py            # write the file
    .venv/bin/python scripts/golden_abc.py --check    # read the tunes again, and compare

The tunes are crates/recurrent-music/tests/fixtures/*.abc, and the file is music21_abc.json beside them.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path

from music21 import VERSION_STR, chord, converter, harmony, note, stream

FIXTURES = Path(__file__).resolve().parent.parent / "crates/recurrent-music/tests/fixtures"


def notes_of(part):
    """Pitch, onset and duration, in quarter notes, of every note of a part with its repeats played and ties joined."""
    played = part.expandRepeats() if part.recurse().getElementsByClass("Repeat") else part
    for element in played.stripTies().flatten().notes:
        if isinstance(element, harmony.ChordSymbol) or element.duration.isGrace:
            continue
        pitches = element.pitches if isinstance(element, (note.Note, chord.Chord)) else []
        for pitch in pitches:
            times = (Fraction(element.offset), Fraction(element.quarterLength))
            yield [pitch.midi, *(str(time.limit_denominator(10_000)) for time in times)]


def read(path):
    score = converter.parse(path, format="abc")
    parts = list(score.parts) if isinstance(score, stream.Score) else [score]
    notes = [found for part in parts for found in notes_of(part)]
    return sorted(notes, key=lambda found: (Fraction(found[1]), found[0], Fraction(found[2])))


def main():
    tunes = {path.name: read(path) for path in sorted(FIXTURES.glob("*.abc"))}
    lines = [f"  {json.dumps(name)}: {json.dumps(notes)}" for name, notes in tunes.items()]
    text = "{\n" + f'  "music21": "{VERSION_STR}",\n' + ",\n".join(lines) + "\n}\n"
    path = FIXTURES / "music21_abc.json"
    if sys.argv[1:] != ["--check"]:
        path.write_text(text)
    elif path.read_text() != text:
        sys.exit(f"{path}: expected what music21 reads, found something else")


if __name__ == "__main__":
    main()
