"use strict";
// Sends photos, shows what is said of them, and takes corrections. No text from a person or a model
// is ever parsed as markup here.
(() => {
  const id = (name) => document.getElementById(name);
  const WORDS = { good: "GOOD", defect: "DEFECT", unknown_defect: "DEFECT", to_person: "CHECK", none: "NO VERDICT" };
  const KEPT = 12; // last parts
  const EDGES = ["x1", "y1", "x2", "y2"];
  let model = null;
  let parts = []; // the newest first: {file, picture, answer | error}
  let shown = null;
  let rectangle = null; // of a correction, in shares of the photo
  let start = null; // corner where dragging began

  // ---- decisions -------------------------------------------------------------------------------
  const threshold = () => id("threshold").valueAsNumber === slot(model.threshold) ? model.threshold : share(id("threshold").valueAsNumber);
  // The slider goes by log-odds, -10 to 10: models are sure, so thresholds differ most near 0 and 1.
  const share = (place) => 1 / (1 + Math.exp(-(place - 500) / 50));
  const slot = (p) => Math.round(Math.min(1000, Math.max(0, 500 + 50 * Math.log(Math.max(p, 1e-9) / Math.max(1 - p, 1e-9)))));
  const decision = (score, limit) => score >= limit ? "defect" : 1 - score < model.reject_below ? "to_person" : "good"; // as anomaly.inspector.verdict

  function judged(part) {
    if (!part.answer) return { kind: "none", word: WORDS.none, detail: part.error || "" };
    const { probabilities } = part.answer;
    const kind = decision(1 - probabilities.good, threshold());
    const [defect, p] = Object.entries(probabilities).filter(([name]) => name !== "good").reduce((a, b) => (b[1] > a[1] ? b : a));
    const detail = kind === "defect" ? `${spaced(defect)} (${percent(p)})` : kind === "good" ? percent(probabilities.good) : `good or ${spaced(defect)}? ${percent(probabilities.good)} good`;
    return { kind, word: WORDS[kind], detail, defect };
  }
  const spaced = (name) => name.replaceAll("_", " ");
  const percent = (p) => (p > 0.9999 ? "> 99.99 %" : `${(100 * p).toFixed(p > 0.99 ? 2 : 0)} %`);

  function effect() {
    const limit = threshold();
    const { scores, defective } = model.validate;
    const count = { bad: 0, good: 0, escapes: 0, overkill: 0, persons: 0 };
    scores.forEach((score, number) => {
      const kind = decision(score, limit);
      count[defective[number] ? "bad" : "good"] += 1;
      if (kind === "to_person") count.persons += 1;
      else if (defective[number] && kind === "good") count.escapes += 1;
      else if (!defective[number] && kind === "defect") count.overkill += 1;
    });
    id("value").textContent = limit.toFixed(limit < 0.01 || limit > 0.99 ? 5 : 3);
    id("escapes").textContent = `${count.escapes} of ${count.bad} defective`;
    id("overkill").textContent = `${count.overkill} of ${count.good} good`;
    id("persons").textContent = `${count.persons} of ${scores.length}`;
    id("reset").hidden = limit === model.threshold;
    id("threshold").setAttribute("aria-valuetext", `${id("value").textContent}: ${count.escapes} escapes of ${count.bad}, ${count.overkill} overkill of ${count.good}`);
  }

  // ---- sending ---------------------------------------------------------------------------------
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

  async function send(address, options) {
    for (let tries = 0; ; tries += 1) {
      const response = await fetch(address, options);
      if (response.status === 401) throw Object.assign(new Error("the service asks for its token"), { login: true });
      if (response.status === 503 && tries < 5) {
        banner({ kind: "busy", word: "BUSY", detail: "waiting for a place" });
        await wait(Number(response.headers.get("Retry-After")) || 1);
        continue;
      }
      if (response.ok) return response;
      throw new Error((await response.json().catch(() => ({}))).error || `the service answered ${response.status}`);
    }
  }

  async function inspect(file) {
    const part = { file };
    banner({ kind: "busy", word: "…", detail: file.name });
    try {
      if (file.size > model.largest) throw new Error(`the photo is too large: at most ${model.largest / 2 ** 20} MB are taken`);
      part.answer = await (await send("/inspect?heat=true", { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } })).json();
    } catch (error) {
      part.error = error.message === "Failed to fetch" || error.name === "TypeError" ? "the service does not answer" : error.message;
      if (error.login) return login();
    }
    part.picture = part.answer ? await picture(file) : null;
    part.heat = part.answer && part.answer.heat ? await tinted(part.answer.heat) : null;
    part.small = part.picture ? reduced(part.picture) : "";
    parts = [part, ...parts].slice(0, KEPT);
    show(part);
  }

  async function picture(file) {
    try {
      return await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch { // a kind of file that browsers do not show
      const response = await send("/inspect", { method: "POST", body: file, headers: { Accept: "image/png" } }).catch(() => null);
      return response ? createImageBitmap(await response.blob()) : null;
    }
  }

  async function tinted(base64) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const grey = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(grey.width, grey.height);
    const context = canvas.getContext("2d");
    context.drawImage(grey, 0, 0);
    const pixels = context.getImageData(0, 0, grey.width, grey.height);
    for (let k = 0; k < pixels.data.length; k += 4) {
      pixels.data[k + 3] = pixels.data[k];
      pixels.data.set([255, 120, 0], k);
    }
    context.putImageData(pixels, 0, 0);
    return canvas;
  }

  function reduced(image) {
    const canvas = document.createElement("canvas");
    const scale = 160 / Math.min(image.width, image.height);
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", 0.8);
  }

  let queue = Promise.resolve();
  const take = (files) => { for (const file of files) queue = queue.then(() => inspect(file)); };

  // ---- showing ---------------------------------------------------------------------------------
  function banner({ kind, word, detail }) {
    id("verdict").className = kind;
    id("word").textContent = word;
    id("detail").textContent = detail;
  }

  function show(part) {
    if (part !== shown) stopCorrecting();
    shown = part;
    banner(judged(part));
    id("wrong").disabled = !part.answer;
    draw();
    list();
  }

  function list() {
    id("none").hidden = parts.length > 0;
    id("recent").replaceChildren(...parts.map((part) => {
      const { kind, word, defect } = judged(part);
      const button = document.createElement("button");
      const text = document.createElement("span");
      const item = document.createElement("li");
      button.type = "button";
      button.className = kind;
      button.ariaCurrent = String(part === shown);
      text.textContent = kind === "defect" ? spaced(defect) : word.toLowerCase();
      if (part.small) button.append(Object.assign(new Image(), { src: part.small, alt: "" }));
      button.append(text);
      button.title = part.file.name;
      button.addEventListener("click", () => { show(part); id("verdict").scrollIntoView({ block: "nearest" }); });
      item.append(button);
      return item;
    }));
  }

  function draw() {
    const canvas = id("canvas");
    const image = shown && shown.picture;
    canvas.hidden = !image;
    if (!image) return;
    const scale = Math.min(1, 1600 / Math.max(image.width, image.height)) * Math.max(1, Math.ceil(480 / Math.max(image.width, image.height)));
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    context.globalAlpha = id("opacity").valueAsNumber / 100;
    if (shown.heat) context.drawImage(shown.heat, 0, 0, canvas.width, canvas.height);
    if (shown.answer.mask) outline(context, canvas, edges(shown.answer.mask), "#ff9de0");
    context.globalAlpha = 1;
    if (rectangle) outline(context, canvas, box(rectangle), "#00e5ff");
  }

  // Lines between set and clear pixels, in shares of the photo; runs go down the columns.
  function edges({ size: [height, width], counts }) {
    const set = new Uint8Array(height * width);
    let place = 0;
    counts.forEach((count, number) => { if (number % 2) set.fill(1, place, place + count); place += count; });
    const at = (x, y) => (x >= 0 && y >= 0 && x < width && y < height ? set[x * height + y] : 0);
    const path = new Path2D();
    const line = (x1, y1, x2, y2) => { path.moveTo(x1 / width, y1 / height); path.lineTo(x2 / width, y2 / height); };
    for (let x = 0; x <= width; x += 1) {
      for (let y = 0; y <= height; y += 1) {
        if (at(x, y) !== at(x - 1, y)) line(x, y, x, y + 1);
        if (at(x, y) !== at(x, y - 1)) line(x, y, x + 1, y);
      }
    }
    return path;
  }

  function box({ x1, y1, x2, y2 }) {
    const path = new Path2D();
    path.rect(x1, y1, x2 - x1, y2 - y1);
    return path;
  }

  function outline(context, canvas, path, colour) {
    const scaled = new Path2D();
    scaled.addPath(path, new DOMMatrix([canvas.width, 0, 0, canvas.height, 0, 0]));
    const width = canvas.width / Math.max(200, canvas.clientWidth || canvas.width); // of a pixel of the screen
    for (const [stroke, thickness] of [["#000", 5], [colour, 2.5]]) {
      context.strokeStyle = stroke;
      context.lineWidth = thickness * width;
      context.stroke(scaled);
    }
  }

  // ---- correcting ------------------------------------------------------------------------------
  const label = () => new FormData(id("correction")).get("label");
  const isDefect = () => label() !== null && label() !== "good";

  function startCorrecting() {
    id("correction").hidden = false;
    id("note").textContent = "";
    id("labels").querySelector("input").focus();
  }

  function stopCorrecting() {
    id("correction").reset();
    id("correction").hidden = true;
    choose();
  }

  function choose() {
    id("place").hidden = !isDefect();
    id("canvas").classList.toggle("draw", isDefect());
    if (!isDefect()) mark(null);
  }

  function mark(corners) {
    rectangle = corners;
    for (const edge of EDGES) if (!corners || document.activeElement !== id(edge)) id(edge).value = corners ? (100 * corners[edge]).toFixed(1) : "";
    draw();
  }

  function corner(event) {
    const { left, top, width, height } = id("canvas").getBoundingClientRect();
    const inside = (value) => Math.min(1, Math.max(0, value));
    return { x: inside((event.clientX - left) / width), y: inside((event.clientY - top) / height) };
  }

  const between = (a, b) => ({ x1: Math.min(a.x, b.x), y1: Math.min(a.y, b.y), x2: Math.max(a.x, b.x), y2: Math.max(a.y, b.y) });

  function typed() {
    const values = EDGES.map((edge) => id(edge).valueAsNumber / 100);
    if (values.every(Number.isFinite)) mark(Object.fromEntries(EDGES.map((edge, k) => [edge, values[k]])));
  }

  async function correct(event) {
    event.preventDefault();
    const part = shown;
    const right = label();
    if (right === null) return note("choose what it is", "none");
    if (isDefect() && !(rectangle && rectangle.x2 > rectangle.x1 && rectangle.y2 > rectangle.y1)) return note("drag a rectangle over the defect", "none");
    const form = new FormData();
    form.set("photo", part.file);
    form.set("label", right);
    if (rectangle) form.set("rectangle", EDGES.map((edge) => rectangle[edge].toFixed(4)).join(","));
    try {
      await send("/corrections", { method: "POST", body: form });
    } catch (error) {
      banner(judged(part));
      return error.login ? login() : note(`not kept: ${error.message}`, "defect");
    }
    stopCorrecting();
    banner(judged(part));
    note(`kept as ${spaced(right)} for the next training`, "good");
    id("wrong").focus();
  }

  function note(text, kind) {
    id("note").className = kind;
    id("note").textContent = text;
  }

  // ---- beginning -------------------------------------------------------------------------------
  function login() {
    id("login").hidden = false;
    id("token").focus();
  }

  async function begin() {
    const response = await fetch("/model.json");
    if (response.status === 401) return login();
    model = await response.json();
    id("login").hidden = true;
    id("model").textContent = model.name;
    id("model").title = `run ${model.version}, bundle ${model.digest}`;
    document.title = `${model.name}: inspect a part`;
    id("judged").hidden = !model.judged;
    id("scope").textContent = `on the ${model.validate.scores.length} photos of validate; for this page alone`;
    id("threshold").value = slot(model.threshold);
    for (const name of model.classes) {
      const option = document.createElement("label");
      const text = document.createElement("span");
      text.textContent = spaced(name);
      text.dir = "auto";
      option.append(Object.assign(document.createElement("input"), { type: "radio", name: "label", value: name }), text);
      id("labels").append(option);
    }
    effect();
  }

  id("login").addEventListener("submit", (event) => {
    event.preventDefault();
    document.cookie = `anomaly_token=${encodeURIComponent(id("token").value)}; path=/; SameSite=Strict`;
    if (model) id("login").hidden = true; else begin();
  });
  for (const source of [id("file"), id("shot")]) {
    source.addEventListener("change", () => { take([...source.files]); source.value = ""; });
  }
  addEventListener("dragover", (event) => { event.preventDefault(); id("drop").hidden = false; });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) id("drop").hidden = true; });
  addEventListener("drop", (event) => { event.preventDefault(); id("drop").hidden = true; take([...event.dataTransfer.files]); });
  addEventListener("paste", (event) => take([...event.clipboardData.files]));
  id("opacity").addEventListener("input", draw);
  const moved = () => { effect(); if (shown) { banner(judged(shown)); list(); } };
  id("threshold").addEventListener("input", moved);
  id("reset").addEventListener("click", () => { id("threshold").value = slot(model.threshold); moved(); id("threshold").focus(); });
  id("wrong").addEventListener("click", startCorrecting);
  id("cancel").addEventListener("click", () => { stopCorrecting(); id("wrong").focus(); });
  id("correction").addEventListener("change", () => { id("note").textContent = ""; choose(); });
  id("correction").addEventListener("submit", correct);
  id("correction").addEventListener("keydown", (event) => { if (event.key === "Escape") id("cancel").click(); });
  for (const edge of EDGES) id(edge).addEventListener("input", typed);
  id("canvas").addEventListener("pointerdown", (event) => { if (isDefect()) { start = corner(event); id("canvas").setPointerCapture(event.pointerId); } });
  id("canvas").addEventListener("pointermove", (event) => { if (start) mark(between(start, corner(event))); });
  for (const end of ["pointerup", "pointercancel"]) id("canvas").addEventListener(end, () => { start = null; });
  begin().catch(() => banner({ kind: "none", word: "NO SERVICE", detail: "it does not answer; load the page again" }));
})();
