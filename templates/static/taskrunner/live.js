"use strict";
// Renews the figures in place every few seconds; pausable, quiet while nobody looks.
{
    const figures = document.getElementById("figures");
    const note = document.getElementById("live-note");
    const button = document.getElementById("live-switch");
    const everyMs = Number(figures.dataset.everyMs || 5000);
    let paused = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

    const stamp = () => figures.querySelector("[data-live-stamp]").dataset.liveStamp;
    const isOver = () => figures.querySelector("[data-live-over]") !== null;
    const say = (text) => { note.textContent = text; };
    const show = () => {
        button.hidden = isOver();
        button.textContent = paused ? "Resume" : "Pause";
        say(isOver() ? "" : paused ? `Paused at ${stamp()}` : "Live");
    };

    async function renew() {
        const response = await fetch(figures.dataset.source, {headers: {Accept: "text/html"}});
        if (response.status === 403) { location.reload(); return; }
        if (!response.ok) { throw new Error(String(response.status)); }
        const open = [...figures.querySelectorAll("details[open]")].map((element) => element.id);
        const html = await response.text();
        const focused = figures.contains(document.activeElement) ? document.activeElement : null;
        if (paused) { return; }
        if (focused?.matches("a, button, summary")) { // not to be pulled from under a keyboard
            say(`Held at ${stamp()} while you are in it`);
            return;
        }
        const region = focused?.getAttribute("aria-label");
        figures.innerHTML = html; // rendered and escaped by the server
        open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
        if (region) { [...figures.querySelectorAll("[aria-label]")].find(
            (one) => one.getAttribute("aria-label") === region)?.focus({preventScroll: true}); }
        show();
    }

    async function tick() {
        if (!paused && !document.hidden) {
            try { await renew(); } catch { say(`No answer since ${stamp()}`); }
        }
        if (!isOver()) { setTimeout(tick, everyMs); }
    }

    button.addEventListener("click", () => { paused = !paused; show(); });
    show();
    if (!isOver()) { setTimeout(tick, everyMs); }
}
