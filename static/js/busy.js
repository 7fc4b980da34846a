// A form that waits for a real outcome says so on its button, and is not sent twice.
// A full page answers, so nothing has to be switched back by a timer.
"use strict";
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.busy) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  const button = event.submitter;
  if (button) {
    button.textContent = form.dataset.busy;
    button.setAttribute("aria-disabled", "true");
  }
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
