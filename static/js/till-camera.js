/* Scanning by the phone's camera; loaded at the first press of the button. The browser's own
   detector where there is one, else jsQR from our own host. */
(function () {
  "use strict";

  const HINT = 10000; // ms without a code
  const PHONE = window.matchMedia("(max-width: 767px)");
  const dialog = document.getElementById("camera");
  const video = dialog.querySelector("video");
  const said = dialog.querySelector("[data-camera-said]");
  const torch = dialog.querySelector("[data-torch]");
  let stream = null;
  let timer = 0;

  function load(source) {
    return new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
  }

  async function detector() {
    if ("BarcodeDetector" in window) {
      const known = await window.BarcodeDetector.getSupportedFormats();
      const wanted = ["qr_code", "ean_13", "code_128"].filter((format) => known.includes(format));
      if (wanted.includes("qr_code")) {
        const own = new window.BarcodeDetector({ formats: wanted });
        return async () => (await own.detect(video))[0]?.rawValue || "";
      }
    }
    if (!window.jsQR) await load(dialog.dataset.jsqr);
    const canvas = document.createElement("canvas");
    const drawing = canvas.getContext("2d", { willReadFrequently: true });
    return async function () {
      const scale = Math.min(1, 640 / video.videoWidth);
      canvas.width = video.videoWidth * scale;
      canvas.height = video.videoHeight * scale;
      drawing.drawImage(video, 0, 0, canvas.width, canvas.height);
      const { data, width, height } = drawing.getImageData(0, 0, canvas.width, canvas.height);
      return window.jsQR(data, width, height)?.data || "";
    };
  }

  function tell(found) {
    if (localStorage.getItem("till-sound") === "off") return;
    navigator.vibrate?.(80);
    const sound = new AudioContext();
    const tone = sound.createOscillator();
    tone.connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.08);
    tone.onended = () => sound.close();
  }

  function stop() {
    clearTimeout(timer);
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
  }

  function light() {
    const [track] = stream.getVideoTracks();
    const able = track.getCapabilities?.().torch;
    torch.hidden = !able;
    let on = false;
    torch.onclick = function () {
      on = !on;
      track.applyConstraints({ advanced: [{ torch: on }] });
    };
  }

  async function look(detect, since) {
    if (!stream) return;
    let code = "";
    if (video.videoWidth) code = await detect().catch(() => "");
    if (code) {
      tell();
      dialog.close();
      document.dispatchEvent(new CustomEvent("till:scan", { detail: code.trim() }));
      return;
    }
    if (performance.now() - since > HINT) said.textContent = dialog.dataset.hint;
    timer = setTimeout(() => look(detect, since), 120);
  }

  /* On a phone it is the upper half of the screen, and the digits below go on working. */
  function show() {
    if (!PHONE.matches) return dialog.showModal();
    dialog.show();
    document.querySelector(".till-card")?.scrollIntoView({ block: "start" });
  }

  async function open() {
    if (dialog.open) return;
    said.textContent = "";
    show();
    if (!navigator.mediaDevices?.getUserMedia) {
      said.textContent = dialog.dataset.none;
      return;
    }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: "environment" } } });
    } catch (refusal) {
      said.textContent = refusal.name === "NotAllowedError" ? dialog.dataset.denied : dialog.dataset.none;
      return;
    }
    if (!dialog.open) return stop();
    video.srcObject = stream;
    await video.play();
    light();
    look(await detector(), performance.now());
  }

  dialog.addEventListener("close", stop);
  dialog.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // a step back would be too much
    dialog.close();
  });
  window.tillCamera = { open };
})();
