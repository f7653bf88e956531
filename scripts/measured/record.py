"""The records in `docs/measured`: what was measured, by which command, where, when and with which versions.

A record is a JSON file:

  command   how to measure it again
  machine   the processor or GPU, and how much of it was used
  date      of the measurement, `2026-11-25`
  versions  of the programs that were measured
  note      optional: what a reader of the numbers has to know
  tables    a name for each table, with `columns` and `rows`

A column has a `key` and a `title`, and optionally a `unit`, a number format (`decimals`, or `digits` for significant
digits), a `suffix` for its cells, and `best` (`min` or `max`) to print its best value in bold. A row maps keys to
numbers, to text, or to null where there is no value.
"""
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs/measured"


@dataclasses.dataclass
class Record:
    name: str
    command: str
    machine: str
    date: str
    versions: dict[str, str]
    tables: dict[str, dict]
    note: str | None = None

    @property
    def path(self) -> pathlib.Path:
        return FOLDER / f"{self.name}.json"

    def save(self) -> None:
        """Writes the record with one row of a table per line, so that a change of one value is a change of one line."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        lines = [f'  "{key}": {one_line(value)}' for key, value in fields.items() if value and key not in ("name", "tables")]
        lines.append('  "tables": {\n' + ",\n".join(table_lines(*item) for item in self.tables.items()) + "\n  }")
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")

    def measured_now(self, rows: dict[str, list[dict]], command: str | None = None) -> "Record":
        """This record with new rows, of this machine and today."""
        tables = {name: {**table, "rows": rows.get(name, table["rows"])} for name, table in self.tables.items()}
        return dataclasses.replace(
            self, command=command or self.command, machine=machine(), date=today(), versions=versions(), tables=tables,
            note=None,
        )


def one_line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def table_lines(name: str, table: dict) -> str:
    lists = []
    for key, items in table.items():
        if isinstance(items, list):
            lists.append(f'      "{key}": [\n' + ",\n".join(f"        {one_line(item)}" for item in items) + "\n      ]")
        else:
            lists.append(f'      "{key}": {one_line(items)}')
    return f'    "{name}": {{\n' + ",\n".join(lists) + "\n    }"


def load(name: str) -> Record:
    return Record(name=name, **json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def load_all() -> list[Record]:
    return [load(path.stem) for path in sorted(FOLDER.glob("*.json"))]


def today() -> str:
    return datetime.date.today().isoformat()


def machine() -> str:
    """The processor's name, and how many cores of it there are."""
    name = platform.processor() or platform.machine()
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        found = re.search(r"^model name\s*: (.*)$", information.read_text(), re.MULTILINE)
        name = found[1].strip() if found else name
    return f"{name}, {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Of this project and of Burn."""
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    of = lambda package: re.search(rf'name = "{package}"\nversion = "(.*)"', lock)[1]
    return {"Recurrent": of("recurrent"), "Burn": of("burn")}
