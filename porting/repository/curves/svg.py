"""From a matplotlib figure to a small `<svg>` for the inside of a page: text is text, marks say their figures."""

import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMESPACE = re.compile(r"^{[^}]*}")
# Ids that matplotlib gives by itself, the same ones in every figure.
NUMBERED = re.compile(r"[A-Za-z0-9.]+_\d+")
GEOMETRY = ("d", "x", "y", "width", "height", "transform")
DECIMAL = re.compile(r"-?\d+\.\d+")
# What the page's own style sheet says once for all drawings.
SAID_BY_THE_PAGE = re.compile(r"font-family: [^;]*;? ?|stroke-line(?:join|cap): [^;]*;? ?")
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def to_svg(figure: "Figure", name: str, label: str, titles: Mapping[str, Sequence[str]]) -> str:
    """The figure as one element whose id is `name`; `label` is what a screen reader says of it.

    `name` is unique in the page. `titles` give, by the id of a group of markers, what each of them says under
    the pointer.
    """
    from matplotlib import rc_context

    buffer = BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata=NO_METADATA)
    root = ElementTree.fromstring(buffer.getvalue())  # noqa: S314, matplotlib wrote it
    for element in root.iter():
        shorten(element)
    root[:] = flattened(root)
    for element in root.iter("g"):
        say_once(element)
    for group, texts in titles.items():
        say(root, group, texts)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib |= {"id": name, "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def shorten(element: ElementTree.Element) -> None:
    """Leaves out what an element inside a page does not need; coordinates keep a tenth of a point."""
    element.tag = NAMESPACE.sub("", element.tag)
    element.attrib = {NAMESPACE.sub("", name): value for name, value in element.attrib.items()}
    element.text, element.tail = ((text or "").strip() for text in (element.text, element.tail))
    if NUMBERED.fullmatch(element.get("id", "")):
        del element.attrib["id"]
    for name in GEOMETRY:
        if name in element.attrib:
            element.attrib[name] = " ".join(DECIMAL.sub(rounded, element.attrib[name]).split())
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if "style" in element.attrib:
        element.attrib["style"] = SAID_BY_THE_PAGE.sub("", element.attrib["style"]).rstrip("; ")


def flattened(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The children, with those of groups that say nothing in their place."""
    for child in element:
        child[:] = flattened(child)
        if child.tag == "g" and not child.attrib:
            yield from child
        elif child.tag != "style":
            yield child


def say_once(group: ElementTree.Element) -> None:
    """What all children of a group have alike is said by the group: style is inherited, and so is the cut."""
    for name in ("style", "clip-path"):
        values = {child.get(name) for child in group}
        if len(group) > 1 and len(values) == 1 and name not in group.attrib and None not in values:
            group.set(name, str(values.pop()))
            for child in group:
                del child.attrib[name]


def rounded(number: re.Match[str]) -> str:
    return f"{float(number.group()):.1f}".removesuffix(".0")


def say(root: ElementTree.Element, group: str, texts: Sequence[str]) -> None:
    """Gives every marker of a group its text."""
    markers = root.findall(f".//g[@id='{group}']//use")
    for marker, text in zip(markers, texts, strict=True):
        ElementTree.SubElement(marker, "title").text = text
