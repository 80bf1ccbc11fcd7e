"""What a process loads and does not need is memory for each of them: some 60 MiB of a worker are its imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

OF_THE_API = {"graphql", "schema", "starlette", "strawberry", "uvicorn", "websockets"}
OF_MIGRATIONS = {"aerich", "asyncclick", "dictdiffer"}


def loaded(module: str) -> set[str]:
    """The names of the packages in a process that imported the module."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    )


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        pytest.param("app.commands.worker", OF_THE_API | OF_MIGRATIONS, id="a worker"),
        pytest.param("app.main", OF_MIGRATIONS, id="the API"),
    ],
)
def test_a_process_does_not_load_what_only_others_use(module: str, unwanted: set[str]) -> None:
    assert not loaded(module) & unwanted
