"""Elements of an `<svg>` for the inside of a page: text is text, and coordinates keep a tenth of a pixel."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

FONT_PX, ROW_PX, CHARACTER_PX = 12, 16, 7.4


def drawing(name: str, label: str, width: float, height: float) -> Element:
    """An empty drawing; `name` is its id in the page, `label` is what a screen reader says of it."""
    box = f"0 0 {short(width)} {short(height)}"
    return Element("svg", {"id": name, "viewBox": box, "role": "img", "aria-label": label, "font-size": str(FONT_PX)})


def add(parent: Element, tag: str, content: str = "", **attributes: str | float | None) -> Element:
    """A new child; an attribute that is `None` is left out, and `_` in a name is a hyphen."""
    texts = {
        name.strip("_").replace("_", "-"): value if isinstance(value, str) else short(value)
        for name, value in attributes.items()
        if value is not None
    }
    child = SubElement(parent, tag, texts)
    child.text = content or None
    return child


def short(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def path(corners: Iterable[tuple[float, float]]) -> str:
    """The `d` of a line through the corners."""
    return "M" + "L".join(f"{short(x)} {short(y)}" for x, y in corners)


def width_of(text: str) -> float:
    """About how wide a text is, in pixels."""
    return CHARACTER_PX * len(text)


def to_text(root: Element) -> str:
    return tostring(root, encoding="unicode").replace(" />", "/>")
