"""The Russian catalogues: whole, with four plural forms, and compiled as they stand."""

import ast
import gettext
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import trans_real

ROOT = Path(settings.BASE_DIR)
CATALOGUES = sorted(
    path
    for folder in ("locale/ru", "apps/*/locale/ru")
    for path in ROOT.glob(f"{folder}/LC_MESSAGES/django.po")
)
each_catalogue = pytest.mark.parametrize(
    "po", CATALOGUES, ids=lambda path: str(path.relative_to(ROOT).parent.parent.parent)
)
CALLS = ("_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy")
TAG = re.compile(r"""{%\s*(?:translate|trans)\s+(?:"([^"]+)"|'([^']+)')""")
TEXT = re.compile(r'^(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?) (".*"(?:\n".*")*)', re.M)


def plain(quoted: str) -> str:
    joined = "".join(re.findall(r'^"(.*)"$', quoted, re.M))
    return joined.replace(r"\n", "\n").replace(r"\"", '"').replace("\\\\", "\\")


def entries(po: Path) -> list[dict[str, str]]:
    blocks = po.read_text().split("\n\n")[1:]
    live = ("\n".join(line for line in block.splitlines() if line[:1] != "#") for block in blocks)
    return [{word: plain(text) for word, text in TEXT.findall(block)} for block in live if block]


@each_catalogue
def test_every_string_has_its_russian(po: Path) -> None:
    empty = [one["msgid"] for one in entries(po) if not all(one.values())]

    assert empty == []


@each_catalogue
def test_plurals_have_four_forms(po: Path) -> None:
    plurals = [one for one in entries(po) if "msgid_plural" in one]

    assert [one["msgid"] for one in plurals if "msgstr[3]" not in one] == []


@each_catalogue
def test_nothing_is_doubtful(po: Path) -> None:
    assert "fuzzy" not in po.read_text()


@each_catalogue
def test_compiled_catalogue_is_current(po: Path) -> None:
    """Read back by Python: exactly the strings of the .po, so a forgotten compile fails here."""
    with po.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    expected: dict[object, str] = {}
    for one in entries(po):
        key = f"{one['msgctxt']}\x04{one['msgid']}" if "msgctxt" in one else one["msgid"]
        if "msgid_plural" in one:
            expected |= {(key, form): one[f"msgstr[{form}]"] for form in range(4)}
        elif one["msgstr"]:  # gettext leaves out what is not translated yet
            expected[key] = one["msgstr"]

    assert {key: text for key, text in compiled.items() if key} == expected


@each_catalogue
@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="gettext is not installed")
def test_catalogue_passes_gettexts_own_check(po: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["msgfmt", "--check-format", "-o", tmp_path / "django.mo", po],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@each_catalogue
def test_no_exclamation_marks(po: Path) -> None:
    """The voice of the house is calm."""
    assert [text for one in entries(po) for text in one.values() if "!" in text] == []


def said_in_code() -> set[tuple[str, str]]:
    """(file, English text) of every string that the code or a template translates."""
    found = set()
    for path in [*ROOT.glob("apps/**/*.py"), *ROOT.glob("svoykrug/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS and node.args:
                text = node.args[0]
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found.add((str(path.relative_to(ROOT)), text.value))
    for path in [*ROOT.glob("templates/**/*.html"), *ROOT.glob("templates/**/*.txt")]:
        for double, single in TAG.findall(path.read_text()):
            found.add((str(path.relative_to(ROOT)), double or single))
    return found


def test_every_string_of_the_code_is_in_a_catalogue() -> None:
    known = {one["msgid"] for po in CATALOGUES for one in entries(po)}
    known |= {str(key) for key, _text in trans_real.translation("ru")._catalog.items()}

    assert sorted((file, text) for file, text in said_in_code() if text not in known) == []
