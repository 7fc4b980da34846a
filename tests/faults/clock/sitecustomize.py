"""Started by Python itself when this folder is on PYTHONPATH: a process whose clock is wrong."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

shift = timedelta(seconds=float(os.environ["FAULT_CLOCK"]))
time_machine.travel(datetime.now(UTC) + shift, tick=True).start()
