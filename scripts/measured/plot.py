"""Plots with logarithmic axes, as SVG."""
import math

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 130, 20, 50
COLORS = ("#b5452c", "#2f6690", "#5a7d2a", "#8a5a9e")


def log_log(lines: dict[str, list[tuple[float, float]]], across_title: str, up_title: str) -> str | None:
    """One line of points (x, y) for each name; nothing if there are not two x."""
    steps = sorted({step for line in lines.values() for step, _ in line})
    if len(steps) < 2:
        return None
    every = [value for line in lines.values() for _, value in line]
    low, high = 10 ** math.floor(math.log10(min(every))), 10 ** math.ceil(math.log10(max(every)))
    if low == high:
        high = 10 * low

    def across(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(step / steps[0]) / math.log(steps[-1] / steps[0])

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(value / low) / math.log(high / low)

    drawn = []
    for value in ticks(low, high):
        y = up(value)
        drawn.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        drawn.append(text(LEFT - 8, y + 4, f"{value:g}", "end"))
    drawn += [text(across(step), HEIGHT - BOTTOM + 18, f"{step:,}", "middle") for step in steps]
    drawn.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across_title, "middle"))
    turned = f'transform="rotate(-90 16 {HEIGHT / 2:.0f})"'
    drawn.append(text(16, HEIGHT / 2, up_title, "middle", turned))
    for color, (name, line) in zip(COLORS, lines.items()):
        if not line:
            continue
        path = " ".join(f"{across(step):.1f},{up(value):.1f}" for step, value in line)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        drawn += [f'<circle cx="{across(step):.1f}" cy="{up(value):.1f}" r="3" fill="{color}"/>' for step, value in line]
        step, value = line[-1]
        drawn.append(text(across(step) + 10, up(value) + 4, name, "start", f'fill="{color}"'))
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    return "\n".join([frame, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *drawn, "</svg>"]) + "\n"


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten."""
    powers = range(round(math.log10(low)), round(math.log10(high)) + 1)
    return [digit * 10.0**power for power in powers for digit in (1, 2, 5) if digit * 10.0**power <= high]


def text(x: float, y: float, what: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{what}</text>'
