"""The file of counts to which later runs add."""

from __future__ import annotations

from tests.faults.record import Record


def test_a_run_that_was_stopped_goes_on_and_other_seeds_add(tmp_path):
    path = tmp_path / "counts.json"
    Record(path).add("commands", "pamc", 0, kills=50, lost=1)
    again = Record(path)
    assert again.holds("commands", "pamc", 0, kills=50)
    for other in (("writers", "pamc", 0), ("commands", "pot", 0), ("commands", "pamc", 1)):
        assert not again.holds(*other, kills=50)
    again.add("commands", "pamc", 1, kills=20, lost=0)
    assert Record(path).total("kills") == 70
    assert Record(path).total("lost") == 1


def test_a_longer_run_takes_the_place_of_a_shorter_one(tmp_path):
    path = tmp_path / "counts.json"
    record = Record(path)
    record.add("readers", "HIF", 0, seconds=3.0, files=10, finds=0)
    assert not record.holds("readers", "HIF", 0, seconds=600.0)
    record.add("readers", "HIF", 0, seconds=600.0, files=2_000, finds=0)
    assert Record(path).total("files") == 2_000


def test_without_a_file_counts_are_those_of_one_run():
    record = Record(None)
    record.add("writers", "bytes", 0, kills=4, lost=0)
    assert record.total("kills") == 4
    assert record.total("files") == 0
