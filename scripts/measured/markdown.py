"""Tables and their captions as Markdown."""
import textwrap

from measured.record import Record

WIDTH = 120


def table(columns: list[dict], rows: list[dict]) -> str:
    """A table; a column without any value is left out."""
    columns = [column for column in columns if any(row.get(column["key"]) is not None for row in rows)]
    best = {column["key"]: best_value(column, rows) for column in columns}
    lines = [[heading(column) for column in columns], ["---"] * len(columns)]
    for row in rows:
        cells = []
        for column in columns:
            value = row.get(column["key"])
            text = cell(column, value)
            cells.append(f"**{text}**" if value is not None and value == best[column["key"]] else text)
        lines.append(cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def heading(column: dict) -> str:
    return f"{column['title']}, {column['unit']}" if "unit" in column else column["title"]


def best_value(column: dict, rows: list[dict]) -> float | None:
    values = [row[column["key"]] for row in rows if isinstance(row.get(column["key"]), (int, float))]
    choose = {"min": min, "max": max}.get(column.get("best"))
    return choose(values) if choose and values else None


def cell(column: dict, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return number(value, column.get("decimals"), column.get("digits", 3)) + column.get("suffix", "")


def number(value: float, decimals: int | None = None, digits: int = 3) -> str:
    """With so many decimals; or with so many significant digits, but all digits of its integer part."""
    if decimals is None:
        if isinstance(value, int):
            decimals = 0
        else:
            size, decimals = abs(value), digits - 1
            while decimals > 0 and size >= 10 ** (digits - decimals):
                decimals -= 1
    return f"{value:,.{decimals}f}"


def caption(record: Record, with_command: bool = True) -> str:
    """Where, when and how a table was measured."""
    programs = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    text = f"{record.machine}; {record.date}; {programs}."
    if record.note:
        text += f" {record.note}"
    if with_command:
        text += f" Command: `{record.command}`."
    return "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False))
