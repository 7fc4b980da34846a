"""The till that opens without a network: a page with nobody on it, and the script that keeps it."""

import hashlib

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_GET

KEPT = (
    "css/tokens.css",
    "css/dark.css",
    "css/base.css",
    "css/frame.css",
    "css/controls.css",
    "css/till.css",
    "css/till-more.css",
    "css/till-pad.css",
    "js/till-scan.js",
    "js/till-queue.js",
    "js/till-pad.js",
    "js/till-awake.js",
    "js/till-camera.js",
    "js/till.js",
    "vendor/jsqr/jsQR.js",
    "vendor/lucide/sprite.svg",
    "vendor/golos-text/golos-text-cyrillic.woff2",
    "vendor/golos-text/golos-text-latin.woff2",
    "img/favicon.svg",
)


@require_GET
def shell(request: HttpRequest) -> HttpResponse:
    """A sale to keep on the device. No name, no sum, no business: it lies in the browser's cache."""
    return render(request, "backoffice/till/shell.html")


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker of `/kassa/`. Its version is that of all it keeps."""
    page, files = reverse("backoffice:till_shell"), [static(name) for name in KEPT]
    seen = render_to_string("backoffice/till/shell.html", {})
    version = hashlib.sha256("\n".join([seen, *files]).encode()).hexdigest()[:12]
    said = orjson.dumps({"version": version, "page": page, "files": files}).decode()
    response = render(
        request, "backoffice/till/worker.js", {"said": said}, content_type="text/javascript"
    )
    response["Cache-Control"] = "no-cache"
    return response
