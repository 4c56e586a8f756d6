// Files: what is dropped on the form, or chosen in it, is sent at once; several one after another.
"use strict";

if (!window.dealwrightFiles) {
  window.dealwrightFiles = true;

  async function send(zone, files) {
    zone.setAttribute("aria-busy", "true");
    for (const file of files) {
      const body = new FormData();
      body.append("about", zone.elements.about.value);
      body.append("file", file);
      const answer = await dealwright.ask(zone.dataset.drop, { method: "POST", headers: { "X-CSRF-Token": dealwright.csrf(), Accept: "application/json" }, body });
      if (!answer?.ok) {
        if (answer) dealwright.toast(`${file.name}: ${await dealwright.why(answer)}`, "bad");
        zone.removeAttribute("aria-busy");
        return;
      }
    }
    location.reload();
  }

  const zoneOf = (event) => event.target.closest?.("[data-drop]");
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      if (!zoneOf(event)) return;
      event.preventDefault();
      zoneOf(event).classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => zoneOf(event)?.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.remove("over");
    send(zone, event.dataTransfer.files);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches('[data-drop] input[type="file"]')) send(zoneOf(event), event.target.files);
  });
}
