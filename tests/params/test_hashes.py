"""Hashes follow values and nothing else."""

from __future__ import annotations

from datetime import date

from analysis.params import content_hash


def test_a_content_hash_does_not_depend_on_the_order_of_keys():
    assert content_hash({"a": 1, "b": [date(2024, 1, 1)]}) == content_hash({"b": [date(2024, 1, 1)], "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})
