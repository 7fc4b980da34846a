"""Every fact has a name for people, and no name is left of a fact that is gone."""

from apps.core.fact_names import NAMES
from apps.core.facts import Fact


def test_every_fact_has_its_name() -> None:
    assert set(NAMES) == {fact.topic() for fact in Fact.__subclasses__()}
