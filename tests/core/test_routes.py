"""The index of routes finds what trying one after another finds."""

from django.urls import Resolver404, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from apps.core.http.routes import ByFirstWord, flat
from apps.core.ids import new_id


def found(resolver, address):
    try:
        match = resolver.resolve(address)
    except Resolver404:
        return None
    return match.route, match.url_name, match.kwargs, match.func


def test_every_route_is_found_as_by_trying_all():
    [ours] = [one for one in get_resolver().url_patterns if isinstance(one, ByFirstWord)]
    plain = URLResolver(RoutePattern("api/v1/", is_endpoint=False), ours.url_patterns)
    routes = [str(one.pattern) for one in flat(ours.url_patterns)]
    assert len(routes) > 100

    for route in routes:
        address = "api/v1/" + "/".join(
            str(new_id()) if "uuid:" in word else "7" if "<" in word else word
            for word in route.split("/")
        )
        for one in (address, f"{address}/", f"{address}x", f"x/{address}"):
            assert found(ours, one) == found(plain, one), one
    assert found(ours, "api/v1/nothing") is None
    assert found(ours, "api/v2/events") is None
