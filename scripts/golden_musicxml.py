"""Writes small MusicXML files, and what music21 10.5.1 reads from them.

    .venv/bin/pip install music21==10.5.1
    .venv/bin/python scripts/golden_musicxml.py            # write the files
    .venv/bin/python scripts/golden_musicxml.py --check    # make and read them again, and compare

The files are in crates/recurrent-music/tests/fixtures; `compressed.mxl` is a zip file whose bytes are always the same. What
music21 reads, with repeats expanded, transposing instruments as they sound and ties joined, is in music21_xml.json.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

import music21

FIXTURES = Path(__file__).resolve().parent.parent / "crates/recurrent-music/tests/fixtures"

assert music21.__version__ == "10.5.1", music21.__version__

DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">'
)
TYPES = {4: "whole", 2: "half", 1: "quarter", 0.5: "eighth", 0.25: "16th"}
ALTERS = {"#": 1, "b": -1, "": 0}


def element(name, *content, **attributes):
    """An element on one line; names of attributes have `_` where they should have `-`."""
    given = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    inside = "".join(map(str, content))
    return f"<{name}{given}>{inside}</{name}>" if inside else f"<{name}{given}/>"


def pitch(name):
    """The element of a name such as C4, F#3 or Bb5."""
    alter = ALTERS[name[1:-1]]
    return element("pitch", element("step", name[0]), element("alter", alter) if alter else "", element("octave", name[-1]))


def note(name, duration, kind="", *, chord=False, grace=False, ties=(), voice=1, staff=None, tuplet=None, dots=0):
    """A note, or a rest if it has no name, of so many divisions."""
    content = [element("grace") if grace else "", element("chord") if chord else ""]
    content += [pitch(name) if name else element("rest")]
    content += ["" if grace else element("duration", duration)]
    content += [element("tie", type=tie) for tie in ties]
    content += [element("voice", voice)] + ([element("type", kind)] if kind else []) + [element("dot")] * dots
    if tuplet:
        actual, normal = tuplet
        content += [element("time-modification", element("actual-notes", actual), element("normal-notes", normal))]
    content += [element("staff", staff)] if staff else []
    if ties:
        content += [element("notations", *(element("tied", type=tie) for tie in ties))]
    return element("note", *content)


def notes(names, duration, **options):
    return [note(name, duration, **options) for name in names.split()]


def chord(names, duration, **options):
    first, *others = names.split()
    return [note(first, duration, **options), *(note(other, duration, chord=True, **options) for other in others)]


def rest(duration, **options):
    return note(None, duration, **options)


def attributes(divisions=None, key=None, time=None, staves=None, transpose=None):
    content = [element("divisions", divisions)] if divisions else []
    if key:
        content += [element("key", element("fifths", key[0]), element("mode", key[1]))]
    if time:
        beats, unit = time.split("/")
        content += [element("time", element("beats", beats), element("beat-type", unit))]
    content += [element("staves", staves)] if staves else []
    if transpose:
        diatonic, chromatic, octaves = transpose
        content += [
            element(
                "transpose", element("diatonic", diatonic), element("chromatic", chromatic),
                element("octave-change", octaves) if octaves else "",
            )
        ]
    return element("attributes", *content)


def tempo(quarters):
    mark = element("metronome", element("beat-unit", "quarter"), element("per-minute", quarters))
    return element("direction", element("direction-type", mark), element("sound", tempo=quarters), placement="above")


def back(duration):
    return element("backup", element("duration", duration))


def forward(duration):
    return element("forward", element("duration", duration))


def bar_line(location, repeat=None, times=None, ending=None, kind=None):
    content = [element("ending", number=ending, type=kind)] if ending else []
    if repeat:
        content += [element("repeat", direction=repeat, **({"times": times} if times else {}))]
    return element("barline", *content, location=location)


def score(*parts, title="", programs=()):
    """A score of parts, each a list of measures, each a list of elements; a measure counts as a pickup if it is the first
    and begins with None."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', DOCTYPE, '<score-partwise version="4.0">']
    lines += [f"  {element('movement-title', title)}"] if title else []
    lines += ["  <part-list>"]
    for number in range(1, len(parts) + 1):
        instrument = ""
        if number <= len(programs):
            name = element("score-instrument", element("instrument-name", f"Instrument {number}"), id=f"P{number}-I1")
            program = element("midi-program", programs[number - 1])
            instrument = name + element("midi-instrument", element("midi-channel", number), program, id=f"P{number}-I1")
        lines += [f"    {element('score-part', element('part-name', f'Part {number}'), instrument, id=f'P{number}')}"]
    lines += ["  </part-list>"]
    for number, measures in enumerate(parts, 1):
        lines += [f'  <part id="P{number}">']
        is_pickup = measures[0][0] is None
        for index, content in enumerate(measures, 0 if is_pickup else 1):
            implicit = ' implicit="yes"' if index == 0 else ""
            lines += [f'    <measure number="{index}"{implicit}>']
            lines += [f"      {item}" for item in content if item]
            lines += ["    </measure>"]
        lines += ["  </part>"]
    return "\n".join([*lines, "</score-partwise>", ""])


def divisions():
    """Divisions that differ by part, and change within one."""
    upper = [
        [attributes(4, (0, "major"), "4/4"), *notes("C5 D5", 4), *notes("E5 F5", 2), *notes("G5 A5 B5 C6", 1)],
        [attributes(6), *notes("B5 A5 G5", 2), *notes("F5 E5", 3), *notes("D5 C5", 6)],
        [attributes(1), *notes("C5 C5", 2)],
    ]
    lower = [
        [attributes(10, (0, "major"), "4/4"), *notes("C3 G3", 20)],
        [*notes("A3 B3 C4 D4 E4", 4), note("F3", 20)],
        [note("C3", 40)],
    ]
    return score(upper, lower)


def two_voices():
    """Two staves and four voices, with gaps; a later voice has the earlier notes."""
    first = [
        attributes(2, (1, "major"), "3/4", staves=2),
        note("B4", 2, voice=1, staff=1), note("D5", 4, voice=1, staff=1),
        back(6), forward(2), note("G4", 2, voice=2, staff=1), note("A4", 2, voice=2, staff=1),
        back(6), note("G2", 6, voice=5, staff=2),
        back(6), rest(2, voice=6, staff=2), *notes("B3 D4", 2, voice=6, staff=2),
    ]
    second = [
        *notes("E5 D5 C5 B4", 1, voice=1, staff=1), note("A4", 2, voice=1, staff=1),
        back(2), note("F#4", 2, voice=2, staff=1), back(6), *notes("D3 A2", 3, voice=5, staff=2),
    ]
    third = [note("G4", 6, voice=1, staff=1), back(6), *chord("G2 B2 D3", 6, voice=5, staff=2)]
    return score([first, second, third])


def chords_and_ties():
    """Ties over bar lines, within chords, over three measures; repeated notes without a tie."""
    start, both, stop = {"ties": ("start",)}, {"ties": ("stop", "start")}, {"ties": ("stop",)}
    measures = [
        [attributes(2, (0, "minor"), "2/4"), note("A4", 2), note("E5", 2, **start)],
        [note("E5", 4, **both)],
        [note("E5", 1, **stop), note("E5", 1), *chord("C5 A4", 2, **start)],
        [*chord("C5 A4", 2, **stop), note("A4", 1, **start), note("A4", 1, **stop)],
        [*chord("A3 C4 E4", 4)],
    ]
    return score(measures)


def endings():
    """A repeat with two endings, one that is played three times with endings 1, 2 and 3, and a repeat from the start of the
    section before."""
    measures = [
        [attributes(1, (0, "major"), "2/4"), *notes("C4 D4", 1)],
        [bar_line("left", ending="1", kind="start"), *notes("E4 F4", 1), bar_line("right", "backward", ending="1", kind="stop")],
        [bar_line("left", ending="2", kind="start"), *notes("G4 A4", 1), bar_line("right", ending="2", kind="stop")],
        [bar_line("left", "forward"), *notes("C5 B4", 1)],
        [
            bar_line("left", ending="1, 2", kind="start"), *notes("A4 G4", 1),
            bar_line("right", "backward", times=3, ending="1, 2", kind="stop"),
        ],
        [bar_line("left", ending="3", kind="start"), note("F4", 2), bar_line("right", ending="3", kind="discontinue")],
        [bar_line("left", "forward"), *notes("E4 D4", 1), bar_line("right", "backward")],
        [note("C4", 2)],
    ]
    lower = [[attributes(2, (0, "major"), "2/4"), note("C3", 4)], *([note(name, 4)] for name in "G3 E3 F3 D3 A3 G3 C3".split())]
    for index in range(1, 7):
        lines = [item for item in measures[index] if item.startswith("<barline")]
        left = [item for item in lines if 'location="left"' in item]
        lower[index] = left + lower[index] + [item for item in lines if item not in left]
    return score(measures, lower)


def tied_repeat():
    """A note that is tied into both endings of a repeat with a pickup."""
    start, stop = {"ties": ("start",)}, {"ties": ("stop",)}
    measures = [
        [None, attributes(2, (0, "major"), "3/4"), bar_line("left", "forward"), note("G4", 2)],
        [note("C5", 4), note("E5", 2, **start)],
        [
            bar_line("left", ending="1", kind="start"), note("E5", 2, **stop), note("D5", 2),
            bar_line("right", "backward", ending="1", kind="stop"),
        ],
        [
            bar_line("left", ending="2", kind="start"), note("E5", 2, **stop), note("C5", 4),
            bar_line("right", ending="2", kind="stop"),
        ],
    ]
    return score(measures)


def transposing():
    """A flute, a piccolo, a double bass, a horn in F and a clarinet in B flat, which sound in E flat major."""
    written = [
        ("G5 F5 Eb5 C5", -3, None),
        ("Eb5 F5 G5 Ab5", -3, (0, 0, 1)),
        ("Eb3 Bb2 C3 Ab2", -3, (0, 0, -1)),
        ("Bb4 C5 D5 Eb5", -2, (-4, -7, 0)),
        ("F5 G5 A5 Bb5", -1, (-1, -2, 0)),
    ]
    parts = []
    for names, fifths, transpose in written:
        first = [attributes(1, (fifths, "major"), "4/4", transpose=transpose), *notes(names, 1)]
        parts.append([first, [*chord(" ".join(names.split()[:2]), 4)]])
    return score(*parts, title="Quintet", programs=[74, 73, 44, 61, 72])


def triplets():
    """Triplets, quintuplets and septuplets."""
    first = [
        attributes(105, (2, "major"), "4/4"),
        *notes("D5 E5 F#5", 35, kind="eighth", tuplet=(3, 2)),
        *notes("G5 A5 B5 A5 G5", 21, kind="16th", tuplet=(5, 4)),
        *notes("F#5 E5 D5 C#5 D5 E5 F#5", 15, kind="16th", tuplet=(7, 4)),
        note("D5", 105, kind="quarter"),
    ]
    second = [note("A4", 70, kind="quarter", tuplet=(3, 2)), note("B4", 35, kind="eighth", tuplet=(3, 2)), note("A4", 315, dots=1)]
    return score([first, second])


def anacrusis():
    """A pickup, a measure that ends early, and one that is longer than its meter."""
    upper = [
        [None, attributes(2, (-1, "major"), "3/4"), note("C4", 1), note("C4", 1)],
        [*notes("D4 C4 F4", 2)],
        [note("E4", 4)],
        [note("C4", 1), note("C4", 1)],
        [*notes("D4 C4 G4 F4", 2)],
    ]
    lower = [
        [None, attributes(1, (-1, "major"), "3/4"), rest(1)], [note("F3", 3)], [note("C3", 2)], [rest(1)],
        [note("Bb2", 2), note("F3", 2)],
    ]
    return score(upper, lower)


def signatures():
    """Tempos, meters and keys that change, also within a measure."""
    measures = [
        [attributes(2, (2, "major"), "4/4"), tempo(96), *notes("D5 F#5", 4)],
        [attributes(key=(2, "minor"), time="3/4"), note("B4", 2), tempo(144), *notes("C#5 D5", 2)],
        [attributes(key=(-3, "major"), time="6/8"), *notes("Eb5 D5 C5 Bb4 Ab4 G4", 1)],
        [attributes(time="3+2/8"), *notes("G4 Ab4 Bb4 C5 D5", 1)],
        [attributes(time="2/2"), tempo(60), note("Eb5", 8)],
    ]
    return score(measures)


def grace_notes():
    """Grace notes before notes, before chords, as chords and at the end of a measure."""
    measures = [
        [
            attributes(2, (0, "major"), "2/4"), note("D5", 0, kind="eighth", grace=True), note("C5", 2),
            *notes("B4 C5", 0, kind="16th", grace=True), *chord("D5 F5", 2),
        ],
        [*chord("B4 D5", 0, kind="eighth", grace=True), note("C5", 4), note("D5", 0, kind="eighth", grace=True)],
        [*chord("C4 E4 G4 C5", 4)],
    ]
    return score(measures)


def compressed():
    """Three parts in a zip file, beside a picture; the dates are fixed."""
    parts = [
        [[attributes(2, (0, "major"), "4/4"), *notes(names, 4)], [note(last, 8)]]
        for names, last in [("G4 F4", "E4"), ("E4 D4", "C4"), ("C4 B3", "C4")]
    ]
    root = element("rootfile", full_path="score/trio.musicxml", media_type="application/vnd.recordare.musicxml+xml")
    picture = element("rootfile", full_path="trio.png", media_type="image/png")
    container = '<?xml version="1.0" encoding="UTF-8"?>\n' + element("container", element("rootfiles", root, picture)) + "\n"
    entries = [
        ("META-INF/container.xml", container),
        ("trio.png", "not read"),
        ("score/trio.musicxml", score(*parts, title="Trio").replace("\n", "\r\n")),
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in entries:
            # Stored: what deflate makes of a text depends on the version of zlib.
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), text, zipfile.ZIP_STORED)
    return packed.getvalue()


FILES = [
    divisions, two_voices, chords_and_ties, endings, tied_repeat, transposing, triplets, anacrusis, signatures, grace_notes,
    compressed,
]


def without_repetitions(changes):
    """Changes in the order of time, without those to what already holds."""
    kept = []
    for time, value in sorted(changes.items()):
        if not kept or kept[-1][1] != value:
            kept.append([time, value])
    return kept


def read(path):
    """Notes of all parts; tempos, meters and keys of the first; times in quarter notes."""
    score = music21.converter.parse(path, format="musicxml", forceSource=True).toSoundingPitch().expandRepeats()
    notes = []
    for part in score.parts:
        for found in part.stripTies().flatten().notes:
            if not found.duration.isGrace:
                times = float(found.offset), float(found.quarterLength)
                notes += [[pitch.midi, *times] for pitch in found.pitches]
    notes.sort(key=lambda found: (found[1], found[0], found[2]))
    tempos, meters, keys = {}, {}, {}
    for found in score.parts[0].flatten():
        time = float(found.offset)
        if isinstance(found, music21.tempo.MetronomeMark):
            tempos[time] = found.number
        elif isinstance(found, music21.meter.TimeSignature):
            meters[time] = f"{found.numerator}/{found.denominator}"
        elif isinstance(found, music21.key.Key):
            keys[time] = [found.tonic.pitchClass, found.mode]
    changes = [without_repetitions(changes) for changes in (tempos, meters, keys)]
    return dict(zip(["notes", "tempos", "meters", "keys"], [notes, *changes], strict=True))


def main():
    check = sys.argv[1:] == ["--check"]
    expected = {}
    for make in FILES:
        made = make()
        ending, content = ("mxl", made) if isinstance(made, bytes) else ("musicxml", made.encode())
        path = FIXTURES / f"{make.__name__}.{ending}"
        if not check:
            path.write_bytes(content)
        elif path.read_bytes() != content:
            sys.exit(f"{path}: expected the bytes that this script makes, found others")
        expected[path.name] = read(path)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in expected.items())
    path, text = FIXTURES / "music21_xml.json", f"{{\n{lines}\n}}\n"
    if not check:
        path.write_text(text)
    elif path.read_text() != text:
        sys.exit(f"{path}: expected what music21 reads, found something else")


if __name__ == "__main__":
    main()
