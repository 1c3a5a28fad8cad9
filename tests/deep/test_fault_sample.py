"""The sample of `make faults`: every operator, at more than 200 places in both packages."""

from pathlib import Path

from fault_testing.planting import OPERATORS, all_faults, sample

ROOT = Path(__file__).resolve().parents[2]


def test_a_whole_sample_has_every_operator_at_200_places_and_more() -> None:
    found = sample(all_faults(ROOT), 216, 0, ROOT)
    assert len({(fault.file, fault.start, fault.end, fault.text) for fault in found}) == 216
    assert {fault.operator for fault in found} == {operator.name for operator in OPERATORS}
    assert {fault.file.partition("/")[0] for fault in found} == {"theory", "properties"}
