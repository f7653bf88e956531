"""Writes tests/fixtures/music21_abc.json: the notes of tests/fixtures/*.abc as music21 reads them.

Run with music21 10.5.1 from the folder of the crate: python golden_abc.py
"""

import json
from fractions import Fraction
from pathlib import Path

from music21 import VERSION_STR, chord, converter, harmony, note, stream

FIXTURES = Path("tests/fixtures")


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
    (FIXTURES / "music21_abc.json").write_text(text)


if __name__ == "__main__":
    main()
