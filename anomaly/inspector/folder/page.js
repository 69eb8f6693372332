"use strict";
// Filters the cards and shows one of them in large. Names are never parsed as markup here: nodes
// are cloned, and texts compared.
(() => {
  const id = (name) => document.getElementById(name);
  const cards = [...document.querySelectorAll(".card")];
  const texts = cards.map((card) => card.textContent.toLowerCase());
  const buttons = [...id("bar").querySelectorAll("button")];
  const view = id("view");
  let shown = cards;
  let place = 0;
  let start = null; // of a touch

  function filter() {
    const kind = buttons.find((each) => each.ariaPressed === "true").dataset.show;
    const words = id("words").value.toLowerCase().split(/\s+/);
    shown = cards.filter((card, number) => {
      const right = !kind || card.dataset.kind === kind || (kind === "mistake" && "mistake" in card.dataset);
      card.hidden = !(right && words.every((word) => texts[number].includes(word)));
      return !card.hidden;
    });
    id("shown").textContent = shown.length === cards.length ? "" : `${shown.length} of ${cards.length}`;
  }

  function show(number) {
    place = (number + shown.length) % shown.length;
    const card = shown[place];
    const picture = card.querySelector(".picture").firstChild.cloneNode(true);
    id("stage").replaceChildren(picture);
    id("caption").replaceChildren(...card.querySelector(".text").cloneNode(true).childNodes);
    id("place").textContent = `${place + 1} of ${shown.length}`;
    view.className = card.dataset.kind;
    for (const beside of [place + 1, place - 1]) load(shown[(beside + shown.length) % shown.length]);
  }

  function load(card) {
    const image = card.querySelector("img");
    if (image) new Image().src = image.src;
  }

  id("cards").addEventListener("click", (event) => {
    const picture = event.target.closest(".picture");
    if (!picture || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(shown.indexOf(picture.closest(".card")));
    view.showModal();
  });
  view.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(place + step);
  });
  view.addEventListener("touchstart", (event) => {
    start = event.touches.length === 1 ? event.touches[0] : null; // two fingers zoom
  }, { passive: true });
  view.addEventListener("touchend", (event) => {
    if (!start) return;
    const end = event.changedTouches[0];
    const across = end.clientX - start.clientX;
    const down = end.clientY - start.clientY;
    if (Math.abs(across) > 40 && Math.abs(across) > 2 * Math.abs(down)) show(place + (across < 0 ? 1 : -1));
  });
  view.addEventListener("close", () => {
    const card = shown[place];
    card.scrollIntoView({ block: "nearest" });
    card.querySelector(".picture").focus({ preventScroll: true });
  });
  id("previous").addEventListener("click", () => show(place - 1));
  id("next").addEventListener("click", () => show(place + 1));
  id("close").addEventListener("click", () => view.close());
  id("words").addEventListener("input", filter);
  id("words").hidden = false;
  for (const button of buttons) {
    button.disabled = false;
    button.addEventListener("click", () => {
      for (const each of buttons) each.ariaPressed = String(each === button);
      filter();
    });
  }
  if (id("words").value) filter(); // a browser keeps it when the page is loaded again
})();
