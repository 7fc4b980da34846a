{% autoescape off %}/* Keeps the till's empty page and its looks on the device, so that a reload without a network shows
   the till and not the browser's own error. Nothing with a person on it is ever kept. */
"use strict";

const kept = {{ said }};
const CACHE = `till-${kept.version}`;

async function fill() {
  const cache = await caches.open(CACHE);
  const asked = [kept.page, ...kept.files];
  await cache.addAll(asked.map((url) => new Request(url, { credentials: "omit", cache: "reload" })));
  await self.skipWaiting();
}

async function tidy() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("till-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function networkFirst(request, instead) {
  try {
    return await fetch(request);
  } catch (lost) {
    const cache = await caches.open(CACHE);
    const found = await cache.match(instead);
    if (found) return found;
    throw lost;
  }
}

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));
self.addEventListener("fetch", function (event) {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(networkFirst(request, kept.page));
  else if (kept.files.includes(url.pathname)) event.respondWith(networkFirst(request, url.pathname));
});
{% endautoescape %}
