"""Finding the view of an address among some hundred routes."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from django.urls import ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

type Route = URLPattern | URLResolver


class ByFirstWord(URLResolver):
    """Routes under a prefix. Django tries them one after another, a tenth of what a short answer
    costs; here only those are tried that begin with the word with which the rest of the address
    does. Everything else about them is as in `include`."""

    def __init__(self, prefix: str, routes: Sequence[Route]) -> None:
        super().__init__(RoutePattern(prefix, is_endpoint=False), list(routes))

    def resolve(self, path: str) -> ResolverMatch:
        match = self.pattern.match(path)
        word = match[0].partition("/")[0] if match else ""
        return self._by_word.get(word, self._any).resolve(path)

    @cached_property
    def _by_word(self) -> dict[str, URLResolver]:
        routes = [(first_word(one), one) for one in flat(self.url_patterns)]
        return {
            word: URLResolver(self.pattern, [one for its, one in routes if its in (word, "")])
            for word, _one in routes
            if word
        }

    @cached_property
    def _any(self) -> URLResolver:
        return URLResolver(self.pattern, [r for r in flat(self.url_patterns) if not first_word(r)])


def flat(routes: Sequence[Any]) -> Iterator[Any]:
    """The routes, those of plain lists within them in their place."""
    for one in routes:
        is_list = isinstance(one, URLResolver) and not (
            str(one.pattern) or one.namespace or one.app_name or one.default_kwargs
        )
        if is_list:
            yield from flat(one.url_patterns)
        else:
            yield one


def first_word(route: Any) -> str:
    """The word that an address of it begins with; empty when that may be any."""
    said = str(route.pattern)
    word, slash, _rest = said.partition("/")
    is_plain = isinstance(route.pattern, RoutePattern) and "<" not in word
    is_whole = bool(slash) or isinstance(route, URLPattern)
    return word if is_plain and is_whole else ""
