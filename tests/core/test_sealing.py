import base64
import os
import re

import pytest

from apps.core import sealing
from apps.core.ids import new_id
from apps.core.sealing import SealBroken

OWNER, OTHER = str(new_id()), str(new_id())


def flipped(sealed: str, place: int) -> str:
    """The value with one bit of its body changed."""
    key_id, dot, body = sealed.rpartition(".")
    raw = bytearray(base64.b64decode(body))
    raw[place] ^= 1
    return key_id + dot + base64.b64encode(raw).decode()


def test_a_value_opens_in_its_own_place():
    sealed = sealing.seal("+79161234567", context="code.phone:1")

    assert sealing.unseal(sealed, context="code.phone:1") == b"+79161234567"
    assert re.fullmatch(r"k1\.[A-Za-z0-9+/]+=*", sealed)
    assert "9161234567" not in sealed


def test_the_same_value_is_never_sealed_alike():
    assert sealing.seal("a", context="c") != sealing.seal("a", context="c")


@pytest.mark.parametrize("context", ["code.phone:2", "person.phone:1", ""])
def test_a_value_moved_elsewhere_does_not_open(context):
    sealed = sealing.seal("+79161234567", context="code.phone:1")

    with pytest.raises(SealBroken):
        sealing.unseal(sealed, context=context)


@pytest.mark.parametrize("place", [0, 11, 12, -1])
def test_one_changed_bit_is_noticed(place):
    sealed = sealing.seal("+79161234567", context="c")

    with pytest.raises(SealBroken):
        sealing.unseal(flipped(sealed, place), context="c")


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: "",
        lambda sealed: "k1.",
        lambda sealed: "k1.AAAA",
        lambda sealed: sealed[:-8],
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + "AAAA",
        lambda sealed: sealed.replace("k1.", "k1.!"),
        lambda sealed: sealed + "\n",
        lambda sealed: sealed.removeprefix("k1."),
        lambda sealed: "k9" + sealed[2:],
        lambda sealed: "k1.ключ",
    ],
)
def test_a_damaged_text_is_broken_and_nothing_else(damage):
    sealed = sealing.seal("+79161234567", context="c")

    with pytest.raises(SealBroken):
        sealing.unseal(damage(sealed), context="c")


def test_the_first_key_seals_and_the_old_one_still_opens(settings):
    old = sealing.seal("Анна", context="c")
    settings.FIELD_KEYS = {"k2": os.urandom(32), **settings.FIELD_KEYS}
    new = sealing.seal("Анна", context="c")

    assert (old[:3], new[:3]) == ("k1.", "k2.")
    assert [sealing.unseal(text, context="c").decode() for text in (old, new)] == ["Анна"] * 2


def test_a_value_of_a_removed_key_does_not_open(settings):
    old = sealing.seal("Анна", context="c")
    settings.FIELD_KEYS = {"k2": os.urandom(32)}

    with pytest.raises(SealBroken, match="unknown key k1"):
        sealing.unseal(old, context="c")


def test_another_key_under_the_same_name_does_not_open(settings):
    old = sealing.seal("Анна", context="c")
    settings.FIELD_KEYS = {"k1": os.urandom(32)}

    with pytest.raises(SealBroken):
        sealing.unseal(old, context="c")


def test_a_person_reads_her_own_field():
    key = sealing.new_data_key(owner=OWNER)
    sealed = sealing.seal_for(key, "anna@mail.ru", owner=OWNER, field="email")

    assert sealing.unseal_for(key, sealed, owner=OWNER, field="email") == "anna@mail.ru"


@pytest.mark.parametrize(
    ("owner", "field"), [(OWNER, "phone"), (OTHER, "email")], ids=["column", "row"]
)
def test_a_field_moved_to_another_column_or_row_does_not_open(owner, field):
    keys = {OWNER: sealing.new_data_key(owner=OWNER), OTHER: sealing.new_data_key(owner=OTHER)}
    sealed = sealing.seal_for(keys[OWNER], "anna@mail.ru", owner=OWNER, field="email")

    with pytest.raises(SealBroken):
        sealing.unseal_for(keys[owner], sealed, owner=owner, field=field)


def test_a_data_key_does_not_open_for_another_person():
    key = sealing.new_data_key(owner=OWNER)
    sealed = sealing.seal_for(key, "anna@mail.ru", owner=OWNER, field="email")

    with pytest.raises(SealBroken):
        sealing.unseal_for(key, sealed, owner=OTHER, field="email")


@pytest.mark.parametrize("sealed", ["AAAA", "%%%", "A" * 5, "ключ"])
def test_a_damaged_field_is_broken_and_nothing_else(sealed):
    key = sealing.new_data_key(owner=OWNER)

    with pytest.raises(SealBroken):
        sealing.unseal_for(key, sealed, owner=OWNER, field="email")


def test_indexes_are_keyed_and_tell_purposes_apart(settings):
    index = sealing.blind_index("+79161234567", purpose="phone")

    assert index == sealing.blind_index("+79161234567", purpose="phone")
    assert index != sealing.blind_index("+79161234567", purpose="email")
    settings.INDEX_KEY = os.urandom(32)
    assert index != sealing.blind_index("+79161234567", purpose="phone")


def test_the_pepper_stands_apart_from_the_index_key(settings):
    code = sealing.pepper_hash("123456", purpose="code:1")

    assert code != sealing.pepper_hash("123456", purpose="code:2")
    settings.CODE_PEPPER = os.urandom(32)
    assert code != sealing.pepper_hash("123456", purpose="code:1")
