"""Why a request brought nothing."""

from apps.crm.enums import Trouble


class Failed(Exception):
    """A request that did not bring what was asked for. `trouble` is all that people see."""

    def __init__(self, trouble: Trouble, *, status: int | None = None, wait: float | None = None):
        self.trouble, self.status, self.wait = trouble, status, wait
        super().__init__(f"{trouble} {status or ''}".strip())
