"""The answers of a variant class by class, with its flags."""

from porting.repository.report.section import Section, Table
from porting.repository.report.words import known
from porting.repository.schema import ByClass, Details

MOST_CLASSES, MOST_ANSWERS = 30, 10
COLUMNS = ("class", "images", "right", "answers")


def by_class(details: Details) -> list[Section]:
    """The flags, and a section for the test split, which is the one to report."""
    flags = [f"{name}: {reason}." for name, reason in details.flags.items()]
    tested = [answers(one, details.labels or []) for one in details.by_class if one.split == "test"]
    return [*([Section("Flags", flags, wide=True)] if flags else []), *tested]


def answers(found: ByClass, labels: list[str]) -> Section:
    """The classes of a split with the share of right answers and the given answers, the worst class first."""
    given: dict[int, dict[int, int]] = {}
    for true, predicted, count in found.confusion:
        given.setdefault(true, {})[predicted] = count
    rows = sorted(given.items(), key=lambda one: one[1].get(one[0], 0) / sum(one[1].values()))
    notes = [
        f"Balanced accuracy {found.balanced_accuracy:.2%}, macro F1 {found.macro_f1:.4f}, expected calibration error "
        f"{known(found, 'calibration_error')}, over {found.n} images of the {found.split} split."
    ]
    if len(rows) > MOST_CLASSES:
        notes.append(f"The {MOST_CLASSES} worst of {len(rows)} classes; variant.json has all of them.")
    table = Table(COLUMNS, [row(true, counts, labels) for true, counts in rows[:MOST_CLASSES]])
    return Section("Answers by class", notes, table=table, wide=True)


def row(true: int, counts: dict[int, int], labels: list[str]) -> tuple[str, ...]:
    """The row of a class: its images, the share of right answers, and its most frequent answers."""
    n, ranked = sum(counts.values()), sorted(counts.items(), key=lambda one: -one[1])
    words = [f"{name_of(predicted, labels)} {count}" for predicted, count in ranked[:MOST_ANSWERS]]
    more = ", …" if len(ranked) > MOST_ANSWERS else ""
    return name_of(true, labels), str(n), f"{counts.get(true, 0) / n:.1%}", ", ".join(words) + more


def name_of(number: int, labels: list[str]) -> str:
    """The name of a class, or its number where it has none."""
    return labels[number] if number < len(labels) else str(number)
