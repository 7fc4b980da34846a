/* A photo before it leaves: turned as it was held, at most 1600 px, a JPEG. What the browser cannot
   read goes as it is, and the server says what fits. */
(function () {
  "use strict";

  const SIDE = 1600;
  const QUALITY = 0.84;
  const field = document.querySelector("[data-photo]");
  if (!field || !window.createImageBitmap || !window.DataTransfer) return;

  async function smaller(file) {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    return made ? new File([made], "photo.jpg", { type: "image/jpeg" }) : file;
  }

  field.addEventListener("change", async function () {
    const [file] = field.files;
    if (!file || field.dataset.made === file.name) return;
    const button = field.form.querySelector("button");
    button.disabled = true;
    try {
      const made = await smaller(file);
      const chosen = new DataTransfer();
      chosen.items.add(made);
      field.dataset.made = made.name;
      field.files = chosen.files;
    } catch {
      delete field.dataset.made;
    }
    button.disabled = false;
  });
})();
