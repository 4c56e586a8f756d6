// Moving cards between the columns of a board, or the days of a calendar: with mouse, finger and keys. What is shown at once is
// taken back where the server refuses, in its own words; where it asks for fields, they are asked for.
"use strict";

(() => {
  const HOLD = 300; // milliseconds that a finger rests before it lifts a card
  const FAR = 5; // pixels that a mouse goes before it does
  let lifted = null; // by keys: { card, board, from, after, lanes, at }
  let drag = null; // by mouse or finger
  let voice = null;
  const typed = []; // keys pressed on a card whose move is under way

  const boardOf = (card) => card.closest("[data-board]");
  const laneOf = (card) => card.closest("[data-lane]");
  const nameOf = (card) => card.querySelector("a").textContent.trim();
  const lanesOf = (board) => [...board.querySelectorAll("[data-lane]")];
  const addressOf = (card) => card.querySelector("a").getAttribute("href");

  function say(text) {
    if (!voice) {
      voice = document.createElement("div");
      voice.className = "unseen";
      voice.setAttribute("role", "status");
      voice.setAttribute("aria-live", "assertive");
      document.body.append(voice);
    }
    voice.textContent = "";
    requestAnimationFrame(() => (voice.textContent = text));
  }

  const told = (board, what, card, lane) =>
    (board.dataset[what] || "").replace("%name%", () => nameOf(card)).replace("%lane%", () => (lane ? lane.dataset.name : ""));

  function put(card, lane) {
    const cards = lane.querySelector("[data-cards]");
    if (laneOf(card) !== lane) cards.prepend(card);
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // --- where a card would be refused --------------------------------------------------------------------------------

  // Asked as a card is taken up; the columns say it as soon as it is known, and until the card is down again.
  async function warn(card) {
    const board = boardOf(card);
    if (board.dataset.landing === undefined) return;
    const form = new URLSearchParams({ csrf_token: dealwright.csrf() });
    const answer = await fetch(`${addressOf(card)}/landing${board.dataset.query}`, { method: "POST", body: form }).catch(() => null);
    if (!answer?.ok || !(lifted?.card === card || drag?.card === card)) return; // what a column would say, it says when the card is dropped, too
    const { lanes } = await answer.json();
    for (const lane of lanesOf(board)) {
      const said = lanes[lane.dataset.lane];
      if (!said) continue;
      lane.classList.add(said.needs ? "needs" : "refuses");
      const note = document.createElement("p");
      note.className = "landing";
      note.textContent = said.text;
      lane.querySelector("header").after(note);
    }
    if (lifted?.card === card && laneOf(card) !== lifted.from) over(laneOf(card));
  }

  function calm(board) {
    for (const note of board.querySelectorAll(".landing")) note.remove();
    for (const lane of lanesOf(board)) lane.classList.remove("needs", "refuses");
  }

  const over = (lane) => say([told(lifted.board, "over", lifted.card, lane), lane.querySelector(".landing")?.textContent].filter(Boolean).join(" "));

  // --- sending ---------------------------------------------------------------------------------------------------

  const parsed = (text) => new DOMParser().parseFromString(text, "text/html").body;

  async function post(address, form) {
    form.set("csrf_token", dealwright.csrf());
    const headers = { "HX-Request": "true", "HX-Target": "board" };
    const answer = await fetch(address, { method: "POST", headers, body: new URLSearchParams(form) });
    dealwright.heard(answer.headers.get("Dealwright-Told"));
    const away = answer.headers.get("HX-Redirect");
    if (away) dealwright.leave(away);
    const text = await answer.text();
    if ((answer.headers.get("Content-Type") || "").includes("json")) return { ok: false, words: dealwright.said(JSON.parse(text)), page: null };
    const page = parsed(text);
    const words = [...page.querySelectorAll(".note, .problem")].map((one) => one.textContent.trim()).join(" ");
    return { ok: answer.ok, words, page };
  }

  // What has the same id is replaced; a card that is not answered is not shown by this board any more.
  function refresh(board, page, card, lane) {
    for (const fresh of page.querySelectorAll("[id]")) {
      const old = document.getElementById(fresh.id);
      if (!old || old === fresh || !board.contains(old)) continue;
      const had = old.contains(document.activeElement);
      old.replaceWith(fresh);
      htmx.process(fresh);
      if (had) fresh.focus();
    }
    if (!card.isConnected || page.querySelector("[data-card]")) return;
    dealwright.toast(told(board, "done", card, lane), "", addressOf(card));
    const near = [card.nextElementSibling, card.previousElementSibling].find((one) => one?.matches("[data-card]")) || lane.querySelector("header a");
    const had = card.contains(document.activeElement);
    card.remove();
    if (had) near.focus();
  }

  async function again(board) {
    const answer = await fetch(board.dataset.again, { headers: { "HX-Request": "true", "HX-Target": board.id } });
    const fresh = answer.ok && parsed(await answer.text()).querySelector(`#${board.id}`);
    if (!fresh) return;
    const here = document.activeElement?.id;
    board.replaceWith(fresh);
    htmx.process(fresh);
    edges();
    if (here) (document.getElementById(here) || fresh.querySelector(`[id$="${here.slice(-36)}"]`))?.focus();
  }

  // A card under way waits for its answer: the next move needs the version that the answer brings. Keys are kept until then.
  async function send(card, lane, back) {
    card.classList.add("waiting");
    card.querySelector(".why")?.remove();
    try {
      await sent(card, lane, back);
    } finally {
      card.classList.remove("waiting");
    }
    for (const key of typed.splice(0)) {
      const now = document.querySelector(`[data-card][id$="${card.id.slice(-36)}"]`); // on a calendar its day is part of its id
      if (now) press(now, key);
    }
  }

  async function sent(card, lane, back) {
    const board = boardOf(card);
    const form = new FormData();
    form.set("_to", lane.dataset.lane);
    form.set("version", card.dataset.version);
    let answer;
    try {
      answer = await post(`${addressOf(card)}/move${card.dataset.query || board.dataset.query}`, form);
    } catch {
      back();
      dealwright.toast(document.getElementById("toasts").dataset.offline, "bad");
      return;
    }
    if (answer.ok) {
      await settle(card, lane, answer.page);
      return;
    }
    const asked = answer.page?.querySelector("form[data-asks]");
    typed.length = 0;
    back();
    if (asked) {
      const missing = [...asked.querySelectorAll(".field ~ .field > label")].map((label) => label.textContent.replace("*", "").trim());
      refuse(card, lane, (board.dataset.needs || "").replace("%fields%", () => missing.join(", ")), back);
      say(told(board, "asks", card, lane));
      open(answer.page, { card, lane });
    } else {
      refuse(card, lane, answer.words);
    }
  }

  // A refused card is back where it was and says why until that is read and put away, or it has moved on; what a form can cure it offers to
  // fill in. An entry of a calendar has no room for it.
  function refuse(card, lane, words, cure) {
    if (!card.matches(".bcard")) {
      if (!cure) dealwright.toast(words, "bad");
      say(words);
      return;
    }
    const board = boardOf(card);
    const why = document.createElement("div");
    why.className = "why";
    const head = document.createElement("strong");
    head.textContent = told(board, "refused", card, lane);
    const text = document.createElement("p");
    text.textContent = words;
    const button = (label, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "button";
      made.textContent = label;
      made.addEventListener("click", act);
      return made;
    };
    const acts = document.createElement("div");
    acts.className = "acts";
    if (cure) {
      acts.append(button(board.dataset.fill, () => {
        put(card, lane);
        send(card, lane, cure);
      }));
    }
    acts.append(button(board.dataset.dismiss, () => {
      why.remove();
      card.focus();
    }));
    why.append(head, text, acts);
    card.append(why);
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
    say(`${head.textContent} ${words}`);
  }

  async function settle(card, lane, page) {
    const board = boardOf(card);
    say(told(board, "done", card, lane));
    if (board.dataset.again) await again(board);
    else refresh(board, page, card, lane);
  }

  // --- columns beyond the edge ---------------------------------------------------------------------------------------

  // Those that cannot be seen are named on the edge, so that nobody takes the last one in sight for the last one.
  function edge(strip) {
    const button = strip.parentElement.querySelector("[data-beyond]");
    if (!button) return;
    const { right } = strip.getBoundingClientRect();
    const hidden = [...strip.children].filter((lane) => lane.getBoundingClientRect().left > right - 48);
    button.hidden = hidden.length === 0;
    strip.classList.toggle("further", hidden.length > 0);
    if (!hidden.length) return;
    const names = hidden.map((lane) => lane.dataset.name).join(" · ");
    button.said ??= button.getAttribute("aria-label");
    button.querySelector("span").textContent = names;
    button.setAttribute("aria-label", button.said.replace("%names%", () => names));
  }

  const edges = () => document.querySelectorAll("[data-board] > .board").forEach(edge);
  document.addEventListener("scroll", (event) => event.target.matches?.("[data-board] > .board") && edge(event.target), { capture: true, passive: true });
  document.addEventListener("click", (event) => {
    const strip = event.target.closest("[data-beyond]")?.parentElement.querySelector(".board");
    const calmly = matchMedia("(prefers-reduced-motion: reduce)").matches;
    strip?.scrollBy({ left: strip.clientWidth * 0.8, behavior: calmly ? "auto" : "smooth" });
  });
  addEventListener("resize", edges);
  document.addEventListener("htmx:afterSettle", edges);
  edges();

  // --- the small form ---------------------------------------------------------------------------------------------

  function dialog() {
    let box = document.getElementById("move-box");
    if (!box) {
      box = document.createElement("dialog");
      box.id = "move-box";
      box.setAttribute("aria-labelledby", "move-title");
      document.body.append(box);
      box.addEventListener("click", (event) => {
        if (event.target === box || event.target.closest("[data-cancel]")) {
          event.preventDefault();
          box.close();
        }
      });
      box.addEventListener("close", () => box.moves?.card?.isConnected && box.moves.card.focus());
      box.addEventListener("submit", (event) => taken(event, box));
    }
    return box;
  }

  function open(page, moves) {
    const box = dialog();
    box.replaceChildren(...page.childNodes);
    box.moves = moves;
    if (!box.open) box.showModal();
    const first = ['[aria-invalid="true"]', "[data-asks] .field ~ .field :is(select, textarea, input:not([type=hidden]))", 'select, input:not([type="hidden"])'];
    first.map((one) => box.querySelector(one)).find(Boolean)?.focus();
  }

  async function taken(event, box) {
    event.preventDefault();
    const form = event.target;
    const answer = await post(form.getAttribute("action"), new FormData(form));
    if (!answer.ok) {
      if (answer.page) open(answer.page, box.moves);
      else dealwright.toast(answer.words, "bad");
      return;
    }
    box.close();
    const { card } = box.moves;
    if (!card) {
      location.reload();
      return;
    }
    const to = form.elements._to.value;
    const lane = lanesOf(boardOf(card)).find((one) => one.dataset.lane === to) || laneOf(card);
    put(card, lane);
    settle(card, lane, answer.page);
  }

  // --- moving by a link: "move to…" of a card, the steps of a record ------------------------------------------------

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-send]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const card = link.closest("[data-card]");
    const to = new URL(link.href).searchParams.get("_to");
    if (to === null) {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true", "HX-Target": "board" } });
      if (answer.ok) {
        open(parsed(await answer.text()), { card });
        const select = document.querySelector("#move-box select");
        if (select && card) select.value = laneOf(card).dataset.lane;
      }
      return;
    }
    const form = new FormData();
    form.set("_to", to);
    form.set("version", link.dataset.version || "");
    const answer = await post(link.href, form);
    if (answer.ok) location.reload();
    else if (answer.page?.querySelector("form[data-asks]")) open(answer.page, { card: null });
    else {
      const place = link.closest(".steps")?.querySelector("[data-said]"); // a refused step says why where it was tried
      if (place) {
        place.hidden = false;
        place.textContent = answer.words;
        return;
      }
      say(answer.words);
      dealwright.toast(answer.words, "bad");
    }
  });

  // where a record stands is seen, however narrow the bar of its steps
  const here = document.querySelector(".steps .here");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 16;

  // --- keys ---------------------------------------------------------------------------------------------------------

  function lift(card) {
    const board = boardOf(card);
    lifted = { card, board, from: laneOf(card), after: card.previousElementSibling };
    card.classList.add("lifted");
    say(told(board, "lifted", card, lifted.from));
    warn(card);
  }

  function putBack({ card, from, after }) {
    if (after && after.isConnected && laneOf(after) === from) after.after(card);
    else from.querySelector("[data-cards]").prepend(card);
  }

  function steer(by) {
    const lanes = lanesOf(lifted.board);
    const at = lanes.indexOf(laneOf(lifted.card));
    const lane = lanes[Math.min(Math.max(at + by, 0), lanes.length - 1)];
    if (lane === lifted.from) putBack(lifted);
    else put(lifted.card, lane);
    lifted.card.focus();
    over(lane);
  }

  function drop(taken_) {
    const held = lifted;
    lifted = null;
    held.card.classList.remove("lifted");
    calm(held.board);
    const lane = laneOf(held.card);
    if (!taken_ || lane === held.from) {
      putBack(held);
      held.card.focus();
      say(told(held.board, "back", held.card, held.from));
      return;
    }
    send(held.card, lane, () => {
      putBack(held);
      held.card.focus();
    });
  }

  function walk(card, key) {
    const lane = laneOf(card);
    if (key === "ArrowDown" || key === "ArrowUp") {
      const next = key === "ArrowDown" ? card.nextElementSibling : card.previousElementSibling;
      next?.matches("[data-card]") && next.focus();
      return;
    }
    const lanes = lanesOf(boardOf(card));
    const step = key === "ArrowRight" ? 1 : -1;
    for (let at = lanes.indexOf(lane) + step; at >= 0 && at < lanes.length; at += step) {
      const next = lanes[at].querySelector("[data-card][tabindex]");
      if (next) {
        next.focus();
        return;
      }
    }
  }

  // True where the key was meant for the card.
  function press(card, key) {
    const weeks = Number(boardOf(card).dataset.step || 0);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -weeks, ArrowDown: weeks };
    if (lifted && lifted.card === card) {
      if (key === " " || key === "Enter") drop(true);
      else if (key === "Escape" || key === "Tab") drop(false);
      else if (steps[key]) steer(steps[key]);
      else return key in steps;
      return key !== "Tab";
    }
    if (card.classList.contains("waiting") && (key === " " || key in steps)) typed.push(key);
    else if (key === " " && "moves" in card.dataset) lift(card);
    else if (key === "Escape" && card.querySelector(".why")) card.querySelector(".why").remove();
    else if (key === "Enter") card.querySelector("a").click();
    else if (key in steps) walk(card, key);
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const card = event.target.closest?.("[data-card][tabindex]");
    if (!card || event.target !== card || event.ctrlKey || event.metaKey || event.altKey) return;
    const held = lifted !== null;
    if (press(card, event.key)) event.preventDefault();
    if (held) event.stopPropagation();
  });

  document.addEventListener("focusout", (event) => {
    if (lifted && event.target === lifted.card && event.relatedTarget && event.relatedTarget !== lifted.card) drop(false);
  });

  // --- mouse and finger -----------------------------------------------------------------------------------------------

  document.addEventListener("pointerdown", (event) => {
    const card = event.target.closest?.("[data-card][data-moves]");
    if (!card || event.button !== 0 || drag || card.classList.contains("waiting") || event.target.closest("[data-send], button, input, .why")) return;
    drag = { card, board: boardOf(card), x: event.clientX, y: event.clientY, id: event.pointerId, ghost: null, timer: 0 };
    if (event.pointerType !== "mouse") drag.timer = setTimeout(begin, HOLD);
  });

  function begin() {
    const { card, x, y } = drag;
    const place = card.getBoundingClientRect();
    drag.dx = x - place.left;
    drag.dy = y - place.top;
    drag.ghost = card.cloneNode(true);
    drag.ghost.removeAttribute("id");
    drag.ghost.classList.add("ghost");
    drag.ghost.style.width = `${place.width}px`;
    document.body.append(drag.ghost);
    card.classList.add("source");
    document.documentElement.classList.add("dragging");
    follow(x, y);
    warn(card);
  }

  function follow(x, y) {
    drag.ghost.style.transform = `translate(${x - drag.dx}px, ${y - drag.dy}px) rotate(1deg)`;
    const lane = document.elementFromPoint(x, y)?.closest("[data-lane]");
    const over = lane && drag.board.contains(lane) ? lane : null;
    if (over !== drag.over) {
      drag.over?.classList.remove("over");
      over?.classList.add("over");
      drag.over = over;
    }
    const strip = drag.board.querySelector(".board");
    if (strip) {
      const edge = strip.getBoundingClientRect();
      if (x > edge.right - 48) strip.scrollLeft += 14;
      if (x < edge.left + 48) strip.scrollLeft -= 14;
    }
  }

  document.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const far = Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > FAR;
    if (drag.ghost) follow(event.clientX, event.clientY);
    else if (far && event.pointerType === "mouse") {
      begin();
      follow(event.clientX, event.clientY);
    } else if (far) stop(); // the finger scrolls
  });

  function stop() {
    clearTimeout(drag.timer);
    drag.ghost?.remove();
    drag.over?.classList.remove("over");
    calm(drag.board);
    drag.card.classList.remove("source");
    document.documentElement.classList.remove("dragging");
    drag = null;
  }

  document.addEventListener("pointerup", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const { card, over, ghost } = drag;
    const held = { card, from: laneOf(card), after: card.previousElementSibling };
    stop();
    if (!ghost) return;
    // the click that follows a drag opens nothing
    const swallow = (click) => {
      click.preventDefault();
      click.stopPropagation();
    };
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }), 50);
    if (!over || over === held.from) return;
    put(card, over);
    send(card, over, () => putBack(held));
  });

  document.addEventListener("pointercancel", () => drag && stop());
  document.addEventListener("dragstart", (event) => event.target.closest?.("[data-card]") && event.preventDefault());
  document.addEventListener("contextmenu", (event) => drag?.ghost && event.preventDefault());
  document.addEventListener("touchmove", (event) => drag?.ghost && event.preventDefault(), { passive: false });
  document.addEventListener("keydown", (event) => event.key === "Escape" && drag && stop());
})();

// The steps of a process in one row: where the record stands is in sight.
(() => {
  const centre = (part) => {
    for (const here of part.querySelectorAll(".steps [aria-current]")) {
      const row = here.parentElement;
      row.scrollLeft = here.offsetLeft - (row.clientWidth - here.clientWidth) / 2;
    }
  };
  document.addEventListener("DOMContentLoaded", () => centre(document));
  document.addEventListener("htmx:load", (event) => centre(event.target));
})();
