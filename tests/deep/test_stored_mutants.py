"""The counterexamples of more than a hundred mutants, of which tests/properties has a sample, replayed by several processes."""

from pathlib import Path

from properties.catalogue import registry
from tests.properties.engine.replay.stored_mutants import CHEAP, check_the_same_elsewhere, written_and_moved


def test_a_hundred_counterexamples_say_the_same_in_new_processes(tmp_path: Path) -> None:
    moved = written_and_moved(tmp_path, [mutant.id for id in CHEAP for mutant in registry[id].mutants])
    assert check_the_same_elsewhere(moved, "-n", "2") >= 100
