"""The Russian catalogue: whole, with four plural forms, and compiled as it stands."""

import gettext
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "locale" / "ru" / "LC_MESSAGES"
PO, MO = FOLDER / "django.po", FOLDER / "django.mo"
TEXT = re.compile(r'^(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?) (".*"(?:\n".*")*)', re.M)


def plain(quoted: str) -> str:
    joined = "".join(re.findall(r'^"(.*)"$', quoted, re.M))
    return joined.replace(r"\n", "\n").replace(r"\"", '"').replace("\\\\", "\\")


def entries() -> list[dict[str, str]]:
    blocks = PO.read_text().split("\n\n")[1:]
    live = ("\n".join(line for line in block.splitlines() if line[:1] != "#") for block in blocks)
    return [{word: plain(text) for word, text in TEXT.findall(block)} for block in live if block]


def test_every_string_has_its_russian() -> None:
    empty = [one["msgid"] for one in entries() if not all(one.values())]

    assert empty == []


def test_plurals_have_four_forms() -> None:
    plurals = [one for one in entries() if "msgid_plural" in one]

    assert plurals
    assert [one["msgid"] for one in plurals if "msgstr[3]" not in one] == []


def test_nothing_is_doubtful() -> None:
    assert "fuzzy" not in PO.read_text()


def test_compiled_catalogue_is_current() -> None:
    """Read back by Python: exactly the strings of the .po, so a forgotten compile fails here."""
    with MO.open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    expected: dict[object, str] = {}
    for one in entries():
        key = f"{one['msgctxt']}\x04{one['msgid']}" if "msgctxt" in one else one["msgid"]
        if "msgid_plural" in one:
            expected |= {(key, form): one[f"msgstr[{form}]"] for form in range(4)}
        elif one["msgstr"]:  # gettext leaves out what is not translated yet
            expected[key] = one["msgstr"]

    assert {key: text for key, text in compiled.items() if key} == expected


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="gettext is not installed")
def test_catalogue_passes_gettexts_own_check(tmp_path: Path) -> None:
    done = subprocess.run(
        ["msgfmt", "--check-format", "-o", tmp_path / "django.mo", PO],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_no_exclamation_marks() -> None:
    """The voice of the house is calm."""
    assert [text for one in entries() for text in one.values() if "!" in text] == []
