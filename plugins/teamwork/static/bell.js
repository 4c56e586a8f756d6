// How many notices are unread: asked for every half minute while the page is looked at; an answer that is as before costs a header.
"use strict";

(() => {
  const bell = document.querySelector("details.bell");
  const count = bell.querySelector(".count");
  let tag = "";
  let since = "";
  let known = Number.parseInt(count.textContent, 10) || 0;

  async function ask() {
    if (document.hidden) return;
    const query = since ? `?since=${encodeURIComponent(since)}` : "";
    let answer;
    try {
      answer = await fetch(bell.dataset.news + query, { headers: tag ? { "If-None-Match": tag } : {} });
    } catch {
      return; // away for a moment: the next round will tell
    }
    if (answer.status !== 200 || answer.redirected) return; // as before, or the session has ended
    tag = answer.headers.get("ETag") || "";
    const said = await answer.json();
    since = said.since;
    count.textContent = said.unread < 100 ? said.unread : "99+";
    count.hidden = !said.unread;
    if (said.unread > known && said.data.length) dealwright.toast(said.data[0].title);
    known = said.unread;
  }

  setInterval(ask, 30000);
  document.addEventListener("visibilitychange", ask);
})();
