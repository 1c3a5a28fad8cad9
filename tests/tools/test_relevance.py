"""Which tests judge a mutant: those that import its module, or the package in which it is found."""

from pathlib import Path

from mutation_testing.relevance import relevant_tests

FILES = {
    "theory/__init__.py": "",
    "theory/theorems/__init__.py": "",
    "theory/theorems/small.py": "from theory.numbers import one\n",
    "theory/numbers.py": "one = 1\n",
    "theory/catalogue.py": "from theory import theorems\n",
    "tests/theory/test_catalogue.py": "from theory.catalogue import theorems\n",
    "tests/theory/theorems/test_small.py": "from theory.theorems import small\n",
    "tests/theory/theorems/test_numbers.py": "from theory.numbers import one\n",
}


def test_tests_in_folders_and_those_that_find_a_module_are_relevant(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    by_name, by_finding = "tests/theory/theorems/test_small.py", "tests/theory/test_catalogue.py"
    assert relevant_tests(tmp_path, "theory/theorems/small.py") == [by_name, by_finding]
    numbers = "tests/theory/theorems/test_numbers.py"
    assert relevant_tests(tmp_path, "theory/numbers.py") == [numbers, by_name, by_finding]
