/* The entrance: what a scanner typed or the camera read goes off by itself, the input is ready for the
   next ticket, and the counters follow. Everything here is an addition: the forms work alone. */
(function () {
  "use strict";

  const CAMERA = document.currentScript.dataset.camera;
  const field = () => document.getElementById("code");
  const trouble = document.getElementById("door-trouble");

  function ready() {
    const button = document.querySelector("#door [data-camera]");
    if (button) button.hidden = !navigator.mediaDevices;
  }

  document.addEventListener("till:scan", function (event) {
    const input = field();
    if (!input) return;
    input.value = event.detail;
    input.form.requestSubmit();
  });

  document.addEventListener("click", function (event) {
    if (!(event.target instanceof Element) || !event.target.closest("#door [data-camera]")) return;
    if (window.tillCamera) return window.tillCamera.open();
    const script = document.createElement("script");
    script.src = CAMERA;
    script.onload = () => window.tillCamera.open();
    document.head.append(script);
  });

  document.body.addEventListener("htmx:afterSwap", function (event) {
    if (event.detail.target.id !== "door") return;
    trouble.hidden = true;
    ready();
    const sought = document.querySelector("#door .door-guests input[type=checkbox]");
    (sought || field())?.focus();
    document.body.dispatchEvent(new CustomEvent("door:changed"));
  });

  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.body.addEventListener(name, function (event) {
      if (event.detail.target.id === "door") trouble.hidden = false;
    });
  }

  ready();
})();
