"""CDNOW: 6,919 real purchases of 2,357 customers, 1997–98 (Fader and Hardie's 1/10 sample).

The data comes in the wheel of Lifetimes 0.11.3 (MIT), is unpacked and never installed.
`python -m tests.data.cdnow` writes .run/cdnow/cdnow_sample.csv in the format of the importer.
"""

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".run" / "cdnow"
WHEEL = "Lifetimes-0.11.3-py3-none-any.whl"
SAMPLE = "lifetimes/datasets/CDNOW_sample.txt"
ROWS, TOTAL = 6919, "244091.94"


class Unobtainable(Exception):
    """No network and no wheel from an earlier time."""


def phone_of(sample_id: int) -> str:
    """A number of the right shape, clear of the demo's cast."""
    return f"+7900{1_000_000 + sample_id}"


def sample_csv(folder: Path = FOLDER) -> Path:
    """The sample as a file for the importer, made once. Raises Unobtainable."""
    target = folder / "cdnow_sample.csv"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(_convert(_sample(folder)), encoding="utf-8")
    return target


def _sample(folder: Path) -> str:
    return part_of_wheel(folder, SAMPLE)


def master(folder: Path = FOLDER) -> str:
    """Every purchase of the 23,570 customers that the sample was drawn from, with a header."""
    return part_of_wheel(folder, "lifetimes/datasets/CDNOW_master.txt")


def part_of_wheel(folder: Path, name: str) -> str:
    """A file of the wheel, which is downloaded once. Raises Unobtainable."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / WHEEL
    if not wheel.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--dest", str(folder), "Lifetimes==0.11.3"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not wheel.exists():
            raise Unobtainable(done.stderr.strip())
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name).decode("ascii")


def _convert(text: str) -> str:
    """Columns there: master id, sample id, date, number of CDs, dollars; no header."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["phone", "occurred_at", "amount", "receipt_number"])
    for number, line in enumerate(text.splitlines(), start=1):
        _master, sample, day, _count, dollars = line.split()
        date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        rows.writerow([phone_of(int(sample)), date, dollars, f"CD-{number:05}"])
    return out.getvalue()


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{sample_csv()}\n")
    except Unobtainable as sorry:
        sys.exit(f"The wheel of Lifetimes 0.11.3 cannot be had: {sorry}")
