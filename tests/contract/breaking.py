"""Would a phone that was built against the old schema still work with the new one?

Our own, because the library at hand (openapi-diff 0.24.1) saw neither a narrowed enum nor a new
required parameter, and took a new optional field of a request for a break. New values in answers'
enums are no break: the guide tells apps to expect them.
"""

from collections.abc import Iterator
from typing import Any

REQUEST, RESPONSE = "request", "response"
TIGHTER = {
    "maxLength": -1,
    "maxItems": -1,
    "maximum": -1,
    "minLength": 1,
    "minItems": 1,
    "minimum": 1,
}
KEPT = ("type", "format", "pattern")


class Diff:
    """What of `old` a client may rely on and `new` takes away."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old, self.new = old, new

    def breaks(self) -> list[str]:
        return sorted(set(self._paths()))

    def _paths(self) -> Iterator[str]:
        for path, methods in self.old["paths"].items():
            there = self.new["paths"].get(path)
            if there is None:
                yield f"{path}: gone"
                continue
            for method, old in methods.items():
                place = f"{method.upper()} {path}"
                if method not in there:
                    yield f"{place}: gone"
                else:
                    yield from self._operation(place, old, there[method])

    def _operation(self, place: str, old: Any, new: Any) -> Iterator[str]:
        if {} in old.get("security", [{}]) and {} not in new.get("security", [{}]):
            yield f"{place}: asks to sign in"
        yield from self._parameters(place, old, new)
        yield from self._body(place, old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            if int(status) >= 400:
                continue
            if status not in new["responses"]:
                yield f"{place}: answers {status} no more"
                continue
            yield from self._content(f"{place} {status}", answer, new["responses"][status])

    def _parameters(self, place: str, old: Any, new: Any) -> Iterator[str]:
        def named(operation: Any, schema: Any) -> dict[tuple[str, str], Any]:
            listed = [_resolve(schema, one) for one in operation.get("parameters", [])]
            return {(one["in"], one["name"]): one for one in listed if one["in"] != "path"}

        before, after = named(old, self.old), named(new, self.new)
        for key, one in after.items():
            if one.get("required") and not before.get(key, {}).get("required"):
                yield f"{place}: wants {key[1]}"
        for key, one in before.items():
            if key not in after:
                yield f"{place}: knows no {key[1]}"
            else:
                where = f"{place} ?{key[1]}"
                yield from self._schema(where, one["schema"], after[key]["schema"], REQUEST, ())

    def _body(self, place: str, old: Any, new: Any) -> Iterator[str]:
        if new and new.get("required") and not (old and old.get("required")):
            yield f"{place}: wants a body"
        elif old and not new:
            yield f"{place}: takes no body"
        elif old and new:
            for media, one in old["content"].items():
                if media in new["content"]:
                    after = new["content"][media]["schema"]
                    yield from self._schema(place, one["schema"], after, REQUEST, ())

    def _content(self, place: str, old: Any, new: Any) -> Iterator[str]:
        for media, one in old.get("content", {}).items():
            after = new.get("content", {}).get(media)
            if after is None:
                yield f"{place}: no {media}"
            else:
                yield from self._schema(place, one["schema"], after["schema"], RESPONSE, ())

    def _schema(
        self, place: str, old: Any, new: Any, way: str, above: tuple[Any, ...]
    ) -> Iterator[str]:
        pair = (old.get("$ref"), new.get("$ref"))
        if pair in above and pair != (None, None):
            return
        above = (*above, pair)
        old, new = _resolve(self.old, old), _resolve(self.new, new)
        for word in KEPT:
            if old.get(word) != new.get(word) and (word != "pattern" or way == REQUEST):
                yield f"{place}: {word} {old.get(word)} became {new.get(word)}"
        yield from _narrowed(place, old, new, way)
        yield from self._object(place, old, new, way, above)
        if "items" in old and "items" in new:
            yield from self._schema(f"{place}[]", old["items"], new["items"], way, above)

    def _object(
        self, place: str, old: Any, new: Any, way: str, above: tuple[Any, ...]
    ) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        was, must = set(old.get("required", [])), set(new.get("required", []))
        for name in sorted((must - was) if way == REQUEST else ((was - must) & set(after))):
            yield f"{place}.{name}: {'is wanted' if way == REQUEST else 'may be missing'}"
        for name, shape in before.items():
            if name not in after:
                yield f"{place}.{name}: gone"
            else:
                yield from self._schema(f"{place}.{name}", shape, after[name], way, above)


def _narrowed(place: str, old: Any, new: Any, way: str) -> Iterator[str]:
    if way == RESPONSE:
        if new.get("nullable") and not old.get("nullable"):
            yield f"{place}: may be null"
        return
    if old.get("nullable") and not new.get("nullable"):
        yield f"{place}: may not be null"
    lost = set(map(str, old.get("enum", []))) - set(map(str, new.get("enum", [])))
    if new.get("enum") and (lost or not old.get("enum")):
        yield f"{place}: takes fewer values"
    for word, sign in TIGHTER.items():
        limit, before = new.get(word), old.get(word)
        if limit is not None and (before is None or (limit - before) * sign > 0):
            yield f"{place}: {word} {before} became {limit}"


def _resolve(schema: Any, part: Any) -> Any:
    """A part with its reference followed; `allOf` of one is that one with its own words beside."""
    if "$ref" in part:
        found: Any = schema
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return _resolve(schema, found)
    if len(part.get("allOf", [])) == 1:
        return _resolve(schema, part["allOf"][0]) | {k: v for k, v in part.items() if k != "allOf"}
    return part
