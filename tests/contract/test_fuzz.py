"""Schemathesis against the whole API: made-up calls, valid and not, with everybody's tokens.

5,000 calls from the schema and walks along its links; every check of the library but those named
beside their reason. No answer of 5xx, no status that the schema does not know.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi_checks

from tests.architecture import world as worlds
from tests.architecture.test_matrix import undone
from tests.architecture.test_routes import routes
from tests.architecture.world import CALLERS, OBJECTS, OWN, World
from tests.contract.rows import bare

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.xdist_group("fuzz")]
CASES = int(os.environ.get("FUZZ_CASES", "5000"))
WALKS = max(20, CASES // 80)
SENDERS = [name for name in CALLERS if name != "blocked"]
# What the schema cannot say: a phone that exists, a hold with enough bonuses (so a well-formed
# call may be refused), and that `security` of an open address is an offer. Rights have a matrix
# of their own (tests/architecture/test_matrix.py).
LEFT_OUT = [
    openapi_checks.positive_data_acceptance,
    openapi_checks.ignored_auth,
    openapi_checks.unsupported_method,
]
# Tokens are ours: a made-up one would be written over, and its call judged as if it had been sent.
# Parameters that no call knows are passed over, as everywhere on the web.
MADE = {
    "mode": "all",
    "allow-x00": True,
    "with-security-parameters": False,
    "allow-extra-parameters": False,
}
QUIET = hypothesis.settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def _django_db_helper(world: World) -> None:
    """In place of a transaction for each test: `world` holds one for the file."""


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with worlds.for_a_file(django_db_blocker) as made:
        yield made


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """As Django's own test client does: the end of a request is not the end of the connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.http.throttles.ByCaller.allow_request", lambda *_: True)


@pytest.fixture
def api(world: World, unthrottled: None) -> Any:
    config = schemathesis.Config.from_dict({"generation": MADE})
    return schemathesis.openapi.from_wsgi("/openapi.json", get_wsgi_application(), config=config)


def real_object(world: World, case: Any, who: str) -> None:
    """An object of hers in place of a made-up id, so that the call comes further than 404."""
    route = ROUTE_NAMES.get(bare(case.path.removeprefix("/api/v1")))
    if not case.path_parameters or route not in OBJECTS:
        return
    made = OBJECTS[route](world, world.callers[who], OWN)
    values = made if isinstance(made, tuple) else (made,)
    case.path_parameters.update(zip(case.path_parameters, map(str, values), strict=False))


def _route_names() -> dict[str, str]:
    return {bare("/" + str(p.pattern)): p.name for _path, _app, p in routes() if p.name}


ROUTE_NAMES = _route_names()


def headers_of(token: str) -> dict[str, str]:
    """The library reads plain bytes; gzip has a test of its own (tests/businesses/test_api.py)."""
    plain = {"Accept-Encoding": "identity"}
    return plain | {"Authorization": token} if token else plain


def _said(failure: BaseException) -> str:
    """A group of failures is no Exception, and its text names none of them."""
    return "; ".join(map(str, getattr(failure, "exceptions", [failure])))


def test_made_up_calls_get_documented_answers(api: Any, world: World) -> None:
    operations = [one.ok() for one in api.get_all_operations()]
    each = -(-CASES // len(operations))
    counted, wrong = itertools.count(), []

    for operation in operations:
        modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
        strategies = [operation.as_strategy(generation_mode=mode) for mode in modes]

        @hypothesis.settings(QUIET, max_examples=each)
        @hypothesis.given(
            case=st.one_of(*strategies), who=st.sampled_from(SENDERS), real=st.booleans()
        )
        def one_call(case: Any, who: str, real: bool) -> None:
            next(counted)
            with undone():
                # A wrong id made right by us is no wrong id: broken calls keep what they have.
                if real and case.meta.generation.mode is GenerationMode.POSITIVE:
                    real_object(world, case, who)
                try:
                    case.call_and_validate(
                        headers=headers_of(world.callers[who].token), excluded_checks=LEFT_OUT
                    )
                except (Exception, FailureGroup) as failure:  # noqa: BLE001  all, told at the end
                    wrong.append(f"{who} {case.method} {case.formatted_path}: {_said(failure)}")

        one_call()

    assert not wrong, f"{len(wrong)} in all:\n\n" + "\n\n".join(wrong[:20])
    assert next(counted) >= CASES


def walk_of(
    machine: Any, token: str, *, began: Callable[[], Any], told: Callable[[Any, FailureGroup], None]
) -> Any:
    """A caller's walk; `told` hears of its findings."""

    class Walk(machine):  # type: ignore[misc]
        def setup(self) -> None:
            began()
            self.point = transaction.atomic()
            self.point.__enter__()

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.point.__exit__(None, None, None)

        def call(self, case: Any, **kwargs: Any) -> Any:
            """As in production, where a refusal takes back its own transaction and nothing else:
            services without a savepoint of their own would leave the walk's one broken."""
            with transaction.atomic():
                return super().call(case, **kwargs)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers_of(token)}

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            try:
                case.validate_response(
                    response,
                    excluded_checks=LEFT_OUT,
                    transport_kwargs=kwargs or None,
                    recorder=self.recorder,
                )
            except FailureGroup as failure:
                told(case, failure)

    return Walk


def test_walks_along_links_get_documented_answers(api: Any, world: World) -> None:
    """Some walks of each caller: one that changed between walks would make the same choices lead
    elsewhere, which the generator takes for a fault of the test."""
    machine = api.as_state_machine()
    walks, wrong = itertools.count(), []
    each = -(-WALKS // len(SENDERS))
    for who in SENDERS:

        def told(case: Any, failure: FailureGroup, who: str = who) -> None:
            wrong.append(f"{who} {case.method} {case.formatted_path}: {_said(failure)}")

        walk = walk_of(machine, world.callers[who].token, began=lambda: next(walks), told=told)
        walk.run(settings=hypothesis.settings(QUIET, max_examples=each, stateful_step_count=12))

    assert not wrong, f"{len(wrong)} in all:\n\n" + "\n\n".join(wrong[:20])
    assert next(walks) >= WALKS


def test_the_checks_left_out_exist(world: World) -> None:
    """A renamed check would be run unnoticed."""
    known = checks.CHECKS.get_all_names()
    assert {one.__name__ for one in LEFT_OUT} <= set(known)
