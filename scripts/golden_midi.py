"""Writes small MIDI files, and what music21 10.5.1 reads from them.

    .venv/bin/pip install music21==10.5.1
    .venv/bin/python scripts/golden_midi.py            # write the files
    .venv/bin/python scripts/golden_midi.py --check    # make and read them again, and compare

The files in crates/recurrent-music/tests/fixtures are written byte by byte. They are read by `music21.converter.parse`
without its quantization. Even so, music21 makes one chord of notes that begin, and end, less than a sixteenth of a quarter
note apart: `strummed.mid`.
"""

import json
import struct
import sys
from pathlib import Path

import music21

FIXTURES = Path(__file__).resolve().parent.parent / "crates/recurrent-music/tests/fixtures"

assert music21.__version__ == "10.5.1", music21.__version__


def quantity(number):
    """A variable-length quantity."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def chunk(name, data):
    return name + struct.pack(">I", len(data)) + data


def midi(form, division, *tracks):
    header = chunk(b"MThd", struct.pack(">HHH", form, len(tracks), division))
    return header + b"".join(chunk(b"MTrk", track) for track in tracks)


def track(*events, end=0):
    """A track of pairs of a time since the last event and the bytes of an event."""
    events = list(events) + [(end, b"\xff\x2f\x00")]
    return b"".join(quantity(delta) + data for delta, data in events)


def meta(kind, *data):
    return bytes([0xFF, kind, len(data), *data])


def tempo(microseconds):
    return meta(0x51, *microseconds.to_bytes(3, "big"))


def meter(beats, exponent):
    return meta(0x58, beats, exponent, 24, 8)


def key(sharps, minor=False):
    return meta(0x59, sharps % 256, int(minor))


def on(pitch, channel=0, velocity=80):
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch, channel=0):
    return bytes([0x80 | channel, pitch, 64])


def program(number, channel=0):
    return bytes([0xC0 | channel, number])


def running_status():
    """Format 0; one status byte for all notes, which end by velocity 0."""
    first, *others = [60, 62, 64, 65, 67]
    events = [(0, tempo(600_000)), (0, on(first)), (48, bytes([first, 0]))]
    for pitch in others:
        events += [(0, bytes([pitch, 72])), (48, bytes([pitch, 0]))]
    return midi(0, 96, track(*events))


def several_tracks():
    """Two voices; tempos, meters and keys that change."""
    conductor = track(
        (0, tempo(500_000)),
        (0, meter(4, 2)),
        (0, key(2)),
        (1920, meter(3, 2)),
        (0, key(2, minor=True)),
        (720, tempo(468_750)),
        (720, meter(6, 3)),
        (0, tempo(625_000)),
        (0, key(-3)),
    )
    upper = [(0, program(40))]
    for pitch in [74, 76, 78, 79, 81, 78, 74, 73, 75, 70, 67]:
        upper += [(0, on(pitch)), (360, off(pitch))]
    lower = [(0, program(42, 1))]
    for pitch in [50, 57, 47, 42]:
        lower += [(0, on(pitch, 1)), (960, off(pitch, 1))]
    return midi(1, 480, conductor, track(*upper), track(*lower))


def pickup():
    """A bar of one quarter note before the first full one."""
    events = [(0, meter(1, 2)), (0, key(1)), (0, on(62)), (24, off(62)), (0, meter(3, 2))]
    for pitch, length in [(67, 48), (71, 24), (69, 36), (67, 12), (66, 24), (67, 72)]:
        events += [(0, on(pitch)), (length, off(pitch))]
    return midi(0, 24, track(*events))


def chords():
    """Chords whose notes end together, and a note held below others."""
    block = [(0, on(60)), (0, on(64)), (0, on(67)), (480, off(60)), (0, off(64)), (0, off(67))]
    held = [(0, on(48)), (0, on(72)), (480, off(72)), (0, on(74)), (480, off(74)), (0, on(76)), (960, off(76)), (0, off(48))]
    return midi(1, 480, track((0, tempo(400_000))), track(*block, *held, *block))


def channels():
    """One pitch on two channels of a track at the same time."""
    events = [(0, on(60, 0)), (96, on(60, 1)), (96, off(60, 0)), (96, on(60, 0)), (96, off(60, 1)), (96, off(60, 0))]
    return midi(0, 96, track(*events))


def drums():
    """A melody, and drums on channel 10."""
    melody = [(0, on(60)), (96, off(60)), (0, on(67)), (96, off(67))]
    beat = []
    for pitch in [36, 42, 38, 42]:
        beat += [(0, on(pitch, 9)), (24, off(pitch, 9)), (24, off(pitch, 9))]
    return midi(1, 96, track(*melody), track(*beat))


def tuplets():
    """Triplets, quintuplets and septuplets, and odd lengths."""
    events = []
    for pitch, length in zip(range(60, 78), [140] * 3 + [84] * 5 + [60] * 7 + [1, 412, 7], strict=True):
        events += [(0, on(pitch)), (length, off(pitch))]
    return midi(0, 420, track(*events))


def missing_note_off():
    """The second note has no note-off."""
    return midi(0, 96, track((0, on(60)), (96, off(60)), (0, on(64)), (96, on(67)), (96, off(67)), end=96))


def overlap():
    """One pitch of one channel begins again before it has ended."""
    return midi(0, 96, track((0, on(60)), (96, on(60)), (96, off(60)), (96, off(60))))


def no_length():
    """The second note ends when it begins."""
    events = [(0, on(60)), (96, off(60)), (0, on(64)), (0, off(64)), (0, on(67)), (96, off(67))]
    return midi(0, 96, track(*events))


def strummed():
    """A chord whose notes begin 2 ticks apart."""
    events = [(0, on(60)), (2, on(64)), (2, on(67)), (92, off(60)), (2, off(64)), (2, off(67))]
    return midi(0, 96, track(*events))


FILES = [
    running_status, several_tracks, pickup, chords, channels, drums, tuplets,
    missing_note_off, overlap, no_length, strummed,
]


def joined(pieces):
    """Notes as pitch, onset and duration. music21 splits them at bar lines and ties the pieces."""
    notes, tied = [], []
    for onset, pitch, duration, tie in sorted(pieces, key=lambda piece: piece[:2]):
        if tie in ("continue", "stop"):
            note = next(n for n in tied if n[0] == pitch and abs(n[1] + n[2] - onset) < 1e-9)
            tied.remove(note)
            note[2] += duration
        else:
            note = [pitch, onset, duration]
            notes.append(note)
        if tie in ("start", "continue"):
            tied.append(note)
    assert not tied
    return notes


def read(path):
    """Notes, tempos, meters and keys; times in quarter notes."""
    score = music21.converter.parse(path, format="midi", quantizePost=False, forceSource=True)
    notes, tempos, meters, keys = [], {}, {}, {}
    for part in score.parts:
        pieces = []
        for element in part.flatten():
            time = float(element.offset)
            if isinstance(element, music21.note.NotRest):
                for note in getattr(element, "notes", [element]):
                    if isinstance(note, music21.note.Note):
                        tie = note.tie and note.tie.type
                        pieces.append((time, note.pitch.midi, float(element.duration.quarterLength), tie))
            elif isinstance(element, music21.tempo.MetronomeMark):
                tempos[time] = element.number
            elif isinstance(element, music21.meter.TimeSignature):
                meters[time] = element.ratioString
            elif isinstance(element, music21.key.Key):
                keys[time] = [element.tonic.pitchClass, element.mode]
        notes += joined(pieces)
    notes.sort(key=lambda note: (note[1], note[0]))
    changes = [sorted(map(list, changes.items())) for changes in (tempos, meters, keys)]
    return dict(zip(["notes", "tempos", "meters", "keys"], [notes, *changes], strict=True))


def main():
    check = sys.argv[1:] == ["--check"]
    expected = {}
    for make in FILES:
        path = FIXTURES / f"{make.__name__}.mid"
        if not check:
            path.write_bytes(make())
        elif path.read_bytes() != make():
            sys.exit(f"{path}: expected the bytes that this script makes, found others")
        expected[make.__name__] = read(path)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in expected.items())
    path, text = FIXTURES / "music21.json", f"{{\n{lines}\n}}\n"
    if not check:
        path.write_text(text)
    elif path.read_text() != text:
        sys.exit(f"{path}: expected what music21 reads, found something else")


if __name__ == "__main__":
    main()
