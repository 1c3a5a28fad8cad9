"""Which tests and claims are nearest to what a fault changes."""

from pathlib import Path

import pytest
from fault_testing.fault import Fault
from fault_testing.nearest import CLAIMS, Nearest, claims_of, units_of
from fault_testing.reach import Definition, Reach
from mutation_testing.model import Scope

FILES = {
    "theory/formulas.py": "def rate(c):\n    return c\n\ndef limit(c):\n    return rate(c) + 1\n\ndef alone(c):\n    return c\n",
    "theory/theorems/__init__.py": "",
    "theory/catalogue.py": "from theory import theorems\n\n_MODULES = found(theorems)\nobligations = [m.CHAIN for m in _MODULES]\n",
    "theory/theorems/small.py": 'OBLIGATION = Obligation("O-small")\nCHAIN = [OBLIGATION]\n',
    "properties/claims/one.py": 'from theory import formulas\n\ndef conclusion(i):\n    return formulas.rate(i)\n\n_T1 = claim("T1", conclusion)\n\n\ndef _wrong(i):\n    return i\n\n\nT1 = _T1.with_mutants(_wrong)\nCLAIMS = (T1,)\n',
    "properties/claims/two.py": 'from theory.formulas import alone as lonely\n\nT2 = claim("T2", lonely)\nCLAIMS = (T2,)\n',
    "properties/engine/search.py": "def searched(claim):\n    return claim\n",
    "tests/theory/conftest.py": "from theory.formulas import limit\n\ndef numbers():\n    return limit(1)\n",
    "tests/theory/test_small.py": "from theory.formulas import rate\n\ndef test_rate():\n    assert rate(1)\n\ndef test_fixture(numbers):\n    assert numbers\n\ndef test_nothing():\n    pass\n",
    "tests/theory/test_proofs.py": "from theory.catalogue import obligations\n\ndef test_all():\n    assert obligations\n",
    "tests/claims/test_claims.py": "from properties.engine.search import searched\n\ndef test_claim(c):\n    searched(c)\n\ndef test_obligation(o):\n    o\n",
}
REGISTRY = {
    "properties/catalogue.py": "from pkgutil import iter_modules\n\nfrom properties import claims\n\n_MODULES = list(iter_modules(claims.__path__))\nregistry = {c.id: c for m in _MODULES for c in m.CLAIMS}\n",
    "properties/claims/__init__.py": "",
    "properties/__init__.py": "def __getattr__(name):\n    from properties.catalogue import registry\n\n    return registry\n",
    "tests/properties/test_registry.py": 'from properties import registry\n\nIDS = ("T2",)\n\ndef test_registry():\n    assert registry\n\ndef test_named():\n    assert registry[IDS[0]]\n',
}
"""A registry that finds the claims by a walk, and tests that know it alone."""

ITEMS = ("test_claim[T1]", "test_claim[T2]", "test_mutant_is_refuted[T1/wrong]", "test_obligation[O-small]")


def written(root: Path, files: dict[str, str]) -> Reach:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Reach(root, claims_of(f"{CLAIMS}::{item}" for item in ITEMS))


@pytest.fixture
def reach(tmp_path: Path) -> Reach:
    return written(tmp_path, FILES)


def nearest_of(reach: Reach, file: str, definition: str, seconds: dict[str, float] | None = None) -> list[str]:
    nearest = Nearest(reach, units_of(reach, [f"{CLAIMS}::{item}" for item in ITEMS]), {})
    nearest.learn(seconds or {})
    fault = Fault("id", file, 1, "", "", Scope.ORDINARY, definition=definition)
    return [item.rpartition("::")[2] for unit in nearest.of(fault) for item in unit.items]


def test_a_test_that_calls_it_comes_first_then_the_claim_that_uses_it(reach: Reach) -> None:
    expected = ["test_rate", "test_claim[T1]", "test_mutant_is_refuted[T1/wrong]", "test_fixture"]
    found = nearest_of(reach, "theory/formulas.py", "rate")
    assert sorted(found) == sorted(expected)
    assert found[0] == "test_rate"


def test_what_is_slow_comes_later(reach: Reach) -> None:
    slow = {"tests/theory/test_small.py::test_rate[1]": 500.0, "tests/theory/test_small.py::test_rate[2]": 500.0}
    assert nearest_of(reach, "theory/formulas.py", "rate", slow)[-1] == "test_rate"


def test_fixtures_imports_under_other_names_and_mutants_are_followed(reach: Reach) -> None:
    assert nearest_of(reach, "theory/formulas.py", "limit") == ["test_fixture"]
    assert nearest_of(reach, "theory/formulas.py", "alone") == ["test_claim[T2]"]
    assert nearest_of(reach, "properties/claims/two.py", "lonely") == ["test_claim[T2]"]
    assert nearest_of(reach, "properties/claims/one.py", "_wrong") == [
        "test_claim[T1]",
        "test_mutant_is_refuted[T1/wrong]",
    ]


def test_every_claim_is_near_to_what_runs_the_claims(reach: Reach) -> None:
    found = nearest_of(reach, "properties/engine/search.py", "searched")
    assert found == ["test_claim[T1]", "test_mutant_is_refuted[T1/wrong]", "test_claim[T2]"]


def test_modules_that_are_found_in_a_package_are_reached_from_afar(reach: Reach) -> None:
    assert nearest_of(reach, "theory/theorems/small.py", "OBLIGATION") == ["test_obligation[O-small]", "test_all"]
    near, far = (
        reach.distances(Definition("theory.theorems.small", "OBLIGATION"))[one]
        for one in (Definition("theory.theorems.small", "CHAIN"), Definition("tests.theory.test_proofs", "test_all"))
    )
    assert near == 1 < 4 < far


def test_claims_that_a_walk_finds_are_reached_through_the_registry_and_sooner_by_their_names(tmp_path: Path) -> None:
    reach = written(tmp_path, FILES | REGISTRY)
    for definition, named in (("T2", 3), ("lonely", 4)):
        distances = reach.distances(Definition("properties.claims.two", definition))
        assert distances[Definition("tests.properties.test_registry", "test_named")] == named
        assert distances[Definition("tests.properties.test_registry", "test_registry")] > named
    found = nearest_of(reach, "theory/formulas.py", "alone")
    assert found[1:] == ["test_named", "test_registry"]
    others = reach.distances(Definition("properties.claims.one", "T1"))
    assert others[Definition("tests.properties.test_registry", "test_named")] > 4


def test_what_is_asked_for_by_its_name_as_a_text_is_near(tmp_path: Path) -> None:
    by_name = FILES["theory/catalogue.py"].replace("m.CHAIN", 'getattr(m, "CHAIN", None)')
    reach = written(tmp_path, FILES | {"theory/catalogue.py": by_name})
    distances = reach.distances(Definition("theory.theorems.small", "CHAIN"))
    assert distances[Definition("tests.theory.test_proofs", "test_all")] == 2
