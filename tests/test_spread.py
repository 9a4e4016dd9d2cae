"""The shares of the processes that run the tests together."""

import pytest
from spread import place


@pytest.mark.parametrize(
    ("file", "expected"),
    [("porting/stages/test_published.py", 0), ("profiler/triton_server/test_control.py", 1), ("test_conf.py", 2)],
)
def test_files_with_the_published_workspace_come_first_and_files_without_servers_last(file: str, expected: int) -> None:
    assert place(f"tests/{file}::test_anything[1::2]") == expected
