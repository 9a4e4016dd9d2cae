"""The figures of the source are what they say: made-up packages with one fault each, and the fault is found."""

from collections.abc import Callable
from pathlib import Path

import pytest
from code_metrics import LIMITS, Limit, figures, lost
from import_circles import circles, folder_imports
from reachability import unreached
from source_figures import Source, long_functions, names_twice, read_source, undocumented, untyped
from support import ROOT

Made = Callable[[dict[str, str]], Source]
COMMAND = "from porting.work import work\ndef main():\n    work()\n"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Writes files below a root, and reads them as the source of the project."""

    def write(files: dict[str, str]) -> Source:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return read_source(tmp_path)

    return write


@pytest.mark.parametrize(
    "back",
    [
        "import porting.high",
        "from porting import high",
        "from porting.high import top",
        "def late():\n    from porting.high import top",
        "Task('porting.high.top.main')",
        "import_module(f'porting.high.{name}')",
    ],
)
def test_two_folders_that_import_each_other_are_a_circle(made: Made, back: str) -> None:
    source = made({"porting/high/top.py": "import porting.low.ground", "porting/low/ground.py": back})
    assert circles(folder_imports(source.root)) == [["porting/high", "porting/low"]]


def test_a_circle_around_a_third_folder_is_found_once(made: Made) -> None:
    arrows = {"porting/a/x.py": "import porting.b.x", "porting/b/x.py": "import porting.c.x"}
    source = made({**arrows, "porting/c/x.py": "import porting.a.x", "porting/d/x.py": "import porting.a.x"})
    assert circles(folder_imports(source.root)) == [["porting/a", "porting/b", "porting/c"]]


def test_folders_that_import_one_way_are_no_circle(made: Made) -> None:
    source = made({"porting/high/top.py": "import porting.low.ground", "porting/low/ground.py": "import json"})
    assert folder_imports(source.root) == {"porting/high": {"porting/low"}, "porting/low": set()}
    assert circles(folder_imports(source.root)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def bare(): ...", ["bare"]),
        ("class Bare:\n    def method(self): ...", ["Bare", "method"]),
        ('class Told:\n    "Said."\n    def method(self): ...', ["method"]),
        ('def told():\n    "Said."\n    def inner(): ...', []),
        ("def _private(): ...\nclass _Private:\n    def method(self): ...", []),
    ],
)
def test_what_is_public_and_has_no_docstring_is_counted(made: Made, text: str, found: list[str]) -> None:
    assert [one.split()[1] for one in undocumented(made({"porting/x.py": text}))] == found


@pytest.mark.parametrize(("lines", "found"), [(40, 0), (41, 1)])
def test_a_function_of_more_than_forty_lines_is_counted(made: Made, lines: int, found: int) -> None:
    text = "class Some:\n    def long(self):\n" + "        pass\n" * (lines - 1)
    assert len(long_functions(made({"porting/x.py": text}))) == found


@pytest.mark.parametrize(
    ("signature", "found"),
    [
        ("f(a: int) -> None", 0), ("f(a) -> None", 1), ("f(a: int)", 1), ("f(self, *, b: int) -> None", 0),
        ("f(*rest) -> None", 1), ("f(**named) -> None", 1), ("f(a: int, /, *, b) -> None", 1),
    ],
)  # fmt: skip
def test_a_function_without_an_annotation_is_counted(made: Made, signature: str, found: int) -> None:
    assert len(untyped(made({"porting/x.py": f"def {signature}: ..."}))) == found


def test_a_file_name_that_exists_twice_is_counted_once(made: Made) -> None:
    names = (
        "porting/plan.py",
        "profiler/plan.py",
        "profiler/a/plan.py",
        "porting/b/__init__.py",
        "porting/__init__.py",
    )
    assert names_twice(made(dict.fromkeys(names, ""))) == ["plan.py"]


def test_what_the_entry_point_does_not_lead_to_is_unreached(made: Made) -> None:
    work = (
        "def work():\n    return helper()\ndef helper(): ...\ndef left(): ...\nclass Left:\n    def method(self): ...\n"
    )
    source = made({"porting/cli.py": COMMAND, "porting/work.py": work, "porting/alone.py": "def alone(): ..."})
    assert [one.split()[1] for one in unreached(source, ["porting.cli.main"])] == ["alone", "left", "Left"]


@pytest.mark.parametrize(
    "way",
    [
        "from porting.far import far\ndef work():\n    far()",
        "def work():\n    from porting import far\n    far.far()",
        "import porting.far\ndef work():\n    porting.far.far()",
        "from porting.between import far\ndef work():\n    far()",
        "def work():\n    start('porting.far.far')",
        "def work(name):\n    import_module(f'porting.{name}').far()",
        "from porting import far\ndef work():\n    way = far\n    way.far()",
        "from porting.far import far\nTABLE = {'far': far}\ndef work():\n    TABLE['far']()",
    ],
)
def test_a_function_is_reached_by_whatever_leads_to_it(made: Made, way: str) -> None:
    files = {"porting/cli.py": COMMAND, "porting/work.py": way, "porting/far.py": "def far(): ..."}
    source = made({**files, "porting/between.py": "from porting.far import far"})
    assert unreached(source, ["porting.cli.main"]) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("class Kind:\n    def asked(self): ...\n    def other(self): ...", ["Kind.other"]),
        ("class Kind(Library):\n    def asked(self): ...\n    def other(self): ...", []),
        ("class Kind(BaseModel):\n    def asked(self): ...\n    def other(self): ...", ["Kind.other"]),
        ("class Kind:\n    def asked(self): ...\n    @validator\n    def other(self): ...", []),
        ("class Kind:\n    def asked(self): ...\n    @property\n    def other(self): ...", ["Kind.other"]),
        ("class Kind:\n    def asked(self): ...\n    def __len__(self): ...", []),
    ],
)
def test_a_method_is_reached_where_its_name_is_mentioned_or_a_library_calls_it(
    made: Made, text: str, left: list[str]
) -> None:
    work = "from porting.kind import Kind\ndef work():\n    Kind().asked()"
    source = made({"porting/cli.py": COMMAND, "porting/work.py": work, "porting/kind.py": text})
    assert [one.split()[1] for one in unreached(source, ["porting.cli.main"])] == left


def test_an_entry_point_that_is_not_there_is_an_error(made: Made) -> None:
    source = made({"porting/cli.py": COMMAND, "porting/work.py": "def work(): ..."})
    with pytest.raises(ValueError, match=r"'gone\.main' leads to no module"):
        unreached(source, ["gone.main"])


@pytest.mark.parametrize(
    ("value", "limit", "is_lost"),
    [(20, Limit(20, 10), False), (21, Limit(20, 10), True), (0.8, Limit(0.8, 1, most=False), False),
     (0.79, Limit(0.8, 1, most=False), True)],
)  # fmt: skip
def test_a_figure_is_lost_on_the_wrong_side_of_its_limit(value: float, limit: Limit, is_lost: bool) -> None:
    assert lost(value, limit) == is_lost


def test_no_limit_is_stricter_than_its_goal() -> None:
    assert LIMITS
    assert [name for name, limit in LIMITS.items() if lost(limit.goal, limit)] == []


def test_every_limit_is_of_a_figure_of_this_checkout() -> None:
    assert LIMITS.keys() <= figures(ROOT).keys()
