// Hagaki's own script. Every page works without it; it saves steps: show the password, copy a value, look the
// provider up while typing, follow the check, count the eight minutes.
"use strict";

const texts = document.body.dataset;

function say(node, words) {
  const before = node.dataset.words || node.textContent;
  node.dataset.words = before;
  node.textContent = words;
  setTimeout(() => { node.textContent = before; }, 2000);
}

// ---- show or hide the password
function showPassword(root) {
  for (const button of root.querySelectorAll(".pass button")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const input = document.getElementById(button.getAttribute("aria-controls"));
      const shown = button.getAttribute("aria-pressed") === "true";
      input.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
    });
  }
}

// ---- copy one value
async function copy(text) {
  // Views inside apps often have no clipboard, or refuse it.
  try { return await navigator.clipboard.writeText(text); } catch { /* the old way */ }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy");
}

function copyButtons() {
  const live = document.getElementById("live");
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await copy(button.dataset.copy);
        say(button, texts.copied);
        if (live) live.textContent = texts.copied;
      } catch {
        getSelection().selectAllChildren(button.parentElement.closest("p, div").querySelector("code, dd"));
      }
    });
  }
}

// ---- the provider's hint while the address is typed
function lookUp(form) {
  const address = form.elements.address;
  const place = form.querySelector("#by-provider");
  if (!address || address.readOnly || !place) return;
  let timer = 0;
  let asked = address.value;
  async function ask() {
    const value = address.value.trim();
    if (value === asked || !/@[^@\s]+\.[^@\s.]{2,}$/.test(value.normalize("NFKC"))) return;
    asked = value;
    const body = new FormData();
    body.set("address", value);
    body.set("step", "address");
    body.set("device", form.elements.device?.value || "");
    body.set("csrf_token", form.elements.csrf_token.value);
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    if (value !== address.value.trim() || ![200, 422, 429].includes(answer.status)) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    replace(page);
  }
  function replace(page) {
    const hint = page.querySelector("#by-provider");
    if (!hint) return;
    if (!place.contains(document.activeElement)) place.replaceChildren(...hint.childNodes);
    const theirs = page.querySelector("#secret");
    const ours = form.querySelector("#secret");
    ours.hidden = !theirs;
    const label = theirs && theirs.querySelector("label[for=password]");
    if (label) ours.querySelector("label[for=password]").textContent = label.textContent;
    defaultPorts(form);
  }
  const quietly = () => ask().catch(() => {});
  address.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(quietly, 400); });
  address.addEventListener("change", quietly);
}

// ---- servers by hand: the usual port follows protocol and security
function defaultPorts(root) {
  for (const group of root.querySelectorAll("[data-ports]")) {
    if (group.dataset.ready) continue;
    group.dataset.ready = "1";
    const ports = JSON.parse(group.dataset.ports);
    const part = (name) => group.querySelector(`[name$=_${name}]`);
    const show = () => {
      const protocol = part("protocol") ? part("protocol").value : "smtp";
      part("port").placeholder = ports[`${protocol} ${part("security").value}`] || "";
    };
    group.addEventListener("change", show);
    show();
  }
}

// ---- one press, one check; another button of the same form is another press
function pressOnce(form) {
  form.addEventListener("submit", (event) => {
    const pressed = event.submitter?.formAction || form.action;
    if (form.dataset.sent === pressed) { event.preventDefault(); return; }
    form.dataset.sent = pressed;
    // A download leaves its page standing; what changes many people leads on, however long it takes.
    if (!form.dataset.waits) { setTimeout(() => { delete form.dataset.sent; }, 5000); return; }
    const words = event.submitter.textContent;
    event.submitter.textContent = form.dataset.waits;
    addEventListener("pagehide", () => { delete form.dataset.sent; event.submitter.textContent = words; }, { once: true });
  });
}

// ---- a list may be dropped anywhere on its page
function dropList(input) {
  const takes = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return false;
    event.preventDefault();
    return true;
  };
  document.addEventListener("dragover", (event) => { if (takes(event)) input.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) input.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    if (!takes(event)) return;
    input.classList.remove("over");
    input.files = event.dataTransfer.files;
    input.focus();
  });
}

// ---- follow the check
function followCheck(main) {
  let misses = 0;
  async function look() {
    try {
      const answer = await fetch(main.dataset.poll, { headers: { Accept: "application/json" } });
      if ([404, 410].includes(answer.status)) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      misses = 0;
      const view = await answer.json();
      if (view.state !== "running") { location.replace(main.dataset.next || location.href); return; }
      draw(view);
    } catch {
      misses += 1;
      if (misses > 20) { location.reload(); return; }
    }
    setTimeout(look, misses ? 2000 : 500);
  }
  function draw(view) {
    for (const leg of view.legs) {
      const list = document.querySelector(`[data-leg="${leg.service}"]`);
      if (!list) continue;
      leg.steps.forEach((step, n) => {
        const row = list.children[n];
        if (!row || row.className === step.state) { if (row) row.lastElementChild.textContent = step.note; return; }
        row.className = step.state;
        row.lastElementChild.textContent = step.note;
        if (step.state === "now") row.setAttribute("aria-current", "step"); else row.removeAttribute("aria-current");
      });
    }
    const status = document.getElementById("status");
    if (status.textContent !== view.status) status.textContent = view.status;
    document.getElementById("elapsed").textContent = view.elapsed;
  }
  setTimeout(look, 300);
}

// ---- follow a batch: the figures every second, while somebody looks
function followBatch(panel) {
  const bar = panel.querySelector(".progress");
  const [made, failed] = bar.querySelectorAll("rect");
  // Whoever ticks people or types must not lose it to a fresh page.
  const isBusy = () => document.querySelector("input[name=row]:checked") || document.activeElement.matches("input, select");
  let isLeaving = false;
  function reload() {
    isLeaving = true;
    history.replaceState(null, "", unattended(true));
    location.reload();
  }
  async function look() {
    try {
      if (document.hidden) return;
      const answer = await fetch(panel.dataset.batch, { headers: { Accept: "application/json" } });
      // The session has ended, or the batch was deleted: the page itself says so.
      if (answer.redirected || [403, 404].includes(answer.status)) { reload(); return; }
      const view = await answer.json();
      if (view.ended && !isBusy()) { reload(); return; }
      for (const [name, text] of Object.entries(view.texts)) {
        const place = panel.querySelector(`[data-now="${name}"]`);
        if (place && place.textContent !== text) place.textContent = text;
      }
      made.setAttribute("width", view.made);
      failed.setAttribute("x", view.made);
      failed.setAttribute("width", view.failed);
      bar.setAttribute("aria-valuemax", view.total);
      bar.setAttribute("aria-valuenow", view.done);
      bar.setAttribute("aria-valuetext", view.texts.value);
    } catch {
      // The next look may succeed: the server is starting anew, or the network is away.
    } finally {
      if (!isLeaving) setTimeout(look, 1000);
    }
  }
  setTimeout(look, 1000);
}

// ---- the address of a page that is loaded by itself, which keeps no session alive
function unattended(is) {
  const here = new URL(location);
  if (is) here.searchParams.set("unattended", "1"); else here.searchParams.delete("unattended");
  return here;
}

// ---- iPhone's eight minutes, counted from the download
function countdown(clock) {
  const link = document.querySelector("[data-starts-clock]");
  const until = document.getElementById("until");
  const boxes = clock.querySelectorAll("li");
  const timer = document.getElementById("timer");
  const total = 8 * 60;
  function start() {
    const end = Date.now() + total * 1000;
    clock.hidden = false;
    const when = new Date(end);
    until.textContent = until.dataset.words.replace("00:00", when.toTimeString().slice(0, 5));
    const tick = () => {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      const words = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      clock.querySelector("strong").textContent = words;
      boxes.forEach((box, n) => { box.className = left >= (n + 1) * 60 ? "on" : left > n * 60 ? "now" : ""; });
      if (left % 60 === 0) timer.textContent = left ? `${clock.dataset.left} ${words}` : clock.dataset.over;
      if (!left) { clearInterval(running); document.getElementById("ran-out").hidden = false; }
    };
    clearInterval(running);
    document.getElementById("ran-out").hidden = true;
    running = setInterval(tick, 1000);
    tick();
  }
  let running = 0;
  if (link) link.addEventListener("click", start);
  const form = document.querySelector("form[data-starts-clock]");
  if (form) form.addEventListener("submit", start);
}

// ---- say that somebody looks at an invitation; a preview that only fetches the page does not
function sayOpened(form) {
  if (!form.dataset.opened) return;
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  fetch(form.dataset.opened, { method: "POST", body, keepalive: true }).catch(() => {});
}

function ready() {
  for (const form of document.querySelectorAll("form")) { lookUp(form); pressOnce(form); sayOpened(form); }
  showPassword(document);
  copyButtons();
  defaultPorts(document);
  const drop = document.querySelector(".drop");
  if (drop) dropList(drop);
  const main = document.querySelector("[data-poll]");
  if (main) followCheck(main);
  if (location.search.includes("unattended")) history.replaceState(null, "", unattended(false));
  const batch = document.querySelector("[data-batch]");
  if (batch) followBatch(batch);
  const clock = document.querySelector(".clock");
  if (clock) countdown(clock);
  const problem = document.querySelector(".returned[tabindex]");
  if (problem) problem.focus();
}
ready();
