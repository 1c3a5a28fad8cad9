"""Programs in the documentation print what stands beneath them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

EXAMPLE = re.compile(r"```python\n(.*?)```\n```\n(.*?)```", re.DOTALL)
"""A program, and directly beneath it what it prints."""


@pytest.mark.parametrize("page", ["docs/tube.md", "docs/generalisation.md"])
def test_a_program_prints_what_stands_beneath_it(page: str) -> None:
    examples = EXAMPLE.findall((CHECKOUT / page).read_text(encoding="utf-8"))
    assert examples
    for program, printed in examples:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == (printed, "")
