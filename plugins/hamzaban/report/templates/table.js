// The table of utterances: histograms that filter, search, order, pages, details.

const PAGE_SIZE = 25;
const NUM_BINS = 24;
// Numbers of an utterance that can be ordered and filtered by.
const MEASURES = [
  { key: "wer", name: "WER", short: "WER %", unit: "%", digits: 1, most: 100, of: (x, u) => 100 * x.errors[u] / Math.max(1, x.words[u]) },
  { key: "errors", name: "Errors", unit: "", digits: 0, hidden: true, of: (x, u) => x.errors[u] },
  { key: "words", name: "Words", short: "Words", unit: "", digits: 0, of: (x, u) => x.words[u] },
  { key: "s", name: "Duration", short: "Seconds", unit: "s", digits: 2, needs: "s", of: (x, u) => x.s[u] },
  { key: "rate", name: "Characters a second", short: "Char./s", unit: "", digits: 1, needs: "s", of: (x, u) => x.chars[u] / Math.max(0.01, x.s[u]) },
  { key: "confidence", name: "Confidence", short: "Conf.", unit: "", digits: 2, needs: "confidence", of: (x, u) => x.confidence[u] },
  { key: "loops", name: "Words in loops", short: "Loop %", unit: "%", digits: 1, needs: "loops", of: (x, u) => 100 * x.loops[u] },
  { key: "longest", name: "Longest word", short: "Longest", unit: "", digits: 0, needs: "longest", of: (x, u) => x.longest[u] },
];

const explorer = {
  view: null, index: null, values: {}, ranges: {}, order: "errors", down: true,
  speaker: "", query: "", page: 0, found: [], texts: null, run: 0,
};

async function openView(view) {
  const run = ++explorer.run;
  const index = await loadPart(`${view.key}-index`);
  if (run !== explorer.run) return;
  index.errors = index.sub.map((n, u) => n + index.del[u] + index.ins[u]);
  const values = {};
  for (const measure of MEASURES) {
    if (measure.needs && !index[measure.needs]) continue;
    values[measure.key] = Float64Array.from(index.id, (_, u) => measure.of(index, u) ?? NaN);
  }
  Object.assign(explorer, { view, index, values, page: 0, texts: null });
  for (const key of Object.keys(explorer.ranges)) if (!values[key]) delete explorer.ranges[key];
  if (explorer.order !== "id" && explorer.order !== "speaker" && !values[explorer.order]) explorer.order = "errors";
  if (!index.speakers.includes(explorer.speaker)) explorer.speaker = "";
  fillSpeakers();
  makeHistograms();
  makeHead();
  await refresh();
}

function fillSpeakers() {
  const select = byId("speaker");
  const names = [...explorer.index.speakers].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  select.replaceChildren(make("option", { value: "" }, `all ${formatCount(names.length)} speakers`),
    ...names.map((name) => make("option", { value: name }, name)));
  select.value = explorer.speaker;
}

// The texts of all utterances in one form for searches; loaded at the first search.
async function loadTexts() {
  if (explorer.texts) return explorer.texts;
  const { view } = explorer;
  const texts = [];
  const size = explorer.index.id.length;
  for (let place = 0; place < size; place += start.shard) {
    if (size > start.shard) say(`Reading texts: ${formatCount(place)} of ${formatCount(size)}`);
    const rows = await loadPart(`${view.key}-text-${place / start.shard}`);
    for (const [ref, hyp] of rows) texts.push(fold(hyp === 0 ? ref : `${ref}\n${hyp}`));
  }
  if (explorer.view === view) explorer.texts = texts;
  return texts;
}

const fold = (text) => text.normalize("NFC").toLowerCase();

// Return a test of whether a text fits a query; "word" in quotes means whole words.
function makeTest(query) {
  const quoted = /^"(.*)"$/.exec(query.trim());
  if (!quoted) {
    const part = fold(query.trim());
    return (text) => text.includes(part);
  }
  const words = ` ${fold(quoted[1]).trim()} `;
  return (text) => text.split("\n").some((line) => ` ${line} `.includes(words));
}

const complain = (error) => say(error.message);

const refresh = () => findUtterances().catch(complain);

async function findUtterances() {
  const run = ++explorer.run;
  const { index, values, ranges } = explorer;
  const test = explorer.query.trim() ? makeTest(explorer.query) : null;
  const texts = test ? await loadTexts() : null;
  if (run !== explorer.run) return;
  const speaker = explorer.speaker ? index.speakers.indexOf(explorer.speaker) : -1;
  const limits = Object.entries(ranges).map(([key, range]) => [values[key], ...range]);
  const found = [];
  for (let u = 0; u < index.id.length; u += 1) {
    if (speaker >= 0 && index.speaker[u] !== speaker) continue;
    if (limits.some(([column, low, high]) => !(column[u] >= low && column[u] <= high))) continue;
    if (test && !test(texts[u]) && !test(fold(index.id[u]))) continue;
    found.push(u);
  }
  explorer.found = sortFound(found);
  drawHistograms();
  await showPage();
}

function sortFound(found) {
  const { order, down, index, values } = explorer;
  const sign = down ? -1 : 1;
  if (order === "id" || order === "speaker") {
    const collator = new Intl.Collator("en", { numeric: true });
    const name = order === "id" ? (u) => index.id[u] : (u) => index.speakers[index.speaker[u]];
    return found.sort((a, b) => sign * collator.compare(name(a), name(b)) || a - b);
  }
  const column = values[order];
  const rest = values.wer;
  return found.sort((a, b) => {
    const [x, y] = [column[a], column[b]];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
    return sign * (x - y) || rest[b] - rest[a] || a - b;
  });
}

function say(message) {
  byId("found").textContent = message;
}

function describeFound() {
  const { found, index, page } = explorer;
  const errors = found.reduce((sum, u) => sum + index.errors[u], 0);
  const words = found.reduce((sum, u) => sum + index.words[u], 0);
  const first = found.length ? page * PAGE_SIZE + 1 : 0;
  const last = Math.min(found.length, (page + 1) * PAGE_SIZE);
  byId("place").textContent = `${formatCount(first)}–${formatCount(last)} of ${formatCount(found.length)}`;
  byId("previous").disabled = page === 0;
  byId("next").disabled = last >= found.length;
  say(found.length
    ? `${formatCount(found.length)} of ${formatCount(index.id.length)} utterances, ${formatCount(errors)} errors in ${formatCount(words)} words: WER ${percent(errors / words)} %`
    : "No utterance matches. Widen a filter or clear them all.");
}

async function showPage() {
  const { run, view } = explorer;
  const shown = explorer.found.slice(explorer.page * PAGE_SIZE, (explorer.page + 1) * PAGE_SIZE);
  const rows = await Promise.all(shown.map((u) => loadRow(`${view.key}-text`, u)));
  if (run !== explorer.run) return;
  byId("rows").replaceChildren(...shown.flatMap((u, i) => makeRow(u, readText(rows[i]))));
  describeFound();
}

function makeRow(u, text) {
  const { index, values } = explorer;
  const id = `detail-${u}`;
  const button = make("button", {
    type: "button", class: "toggle", "aria-expanded": "false", "aria-controls": id,
  }, make("bdi", {}, index.id[u]));
  const cells = listColumns().map(({ key, short, digits }) => {
    const value = values[key][u];
    const shown = Number.isNaN(value) ? "–" : toFixed(value, digits);
    const note = key === "wer" ? make("small", {}, `${index.errors[u]} in ${index.words[u]}`) : null;
    return make("td", { "data-name": short }, shown, note);
  });
  const row = make("tr", { class: "row" },
    make("td", { class: "name" }, button, make("small", {}, make("bdi", {}, index.speakers[index.speaker[u]]))),
    ...cells, make("td", { class: "said" }, makeLine(text)));
  const detail = make("tr", { class: "detail", id, hidden: true }, make("td", { colspan: cells.length + 2 }));
  button.addEventListener("click", () => openDetail(button, detail, u, text));
  row.addEventListener("click", (event) => {
    if (!event.target.closest("button") && !String(getSelection())) button.click();
  });
  return [row, detail];
}

async function openDetail(button, detail, u, text) {
  const opened = button.getAttribute("aria-expanded") === "false";
  button.setAttribute("aria-expanded", String(opened));
  detail.hidden = !opened;
  const cell = detail.firstElementChild;
  if (!opened) {
    cell.replaceChildren();
    return;
  }
  const { view, index } = explorer;
  cell.append(makeAlignment(text), makeFacts(u));
  if (!view.sound) return;
  try {
    const [peaks, place, isCut] = await loadRow(`${view.sound}-sound`, index.sound[u]);
    const address = place === 1 // the data hold the recording itself
      ? await loadRow(`${view.sound}-audio`, index.sound[u], start.audioShard)
      : place;
    if (!detail.hidden) cell.prepend(makeSound(text, index.s[u], [peaks, address, isCut], index.id[u]));
  } catch (error) {
    cell.prepend(make("p", { class: "note" }, error.message));
  }
}

function makeFacts(u) {
  const { index, values } = explorer;
  const chip = (step, count, name) => make("span", { class: `chip ${count ? step : ""}` }, `${count} ${name}`);
  const facts = [];
  if (values.rate) facts.push(`${values.rate[u].toFixed(1)} characters a second`);
  if (values.confidence && !Number.isNaN(values.confidence[u])) facts.push(`confidence ${values.confidence[u].toFixed(2)}`);
  return make("p", { class: "facts dim" }, chip("S", index.sub[u], "substituted"),
    chip("D", index.del[u], "deleted"), chip("I", index.ins[u], "inserted"), make("span", {}, facts.join(", ")));
}

const listColumns = () => MEASURES.filter(({ key, hidden }) => explorer.values[key] && !hidden);

// Column heads that order the table, and the same as a list for narrow windows.
function makeHead() {
  const columns = [
    { key: "id", name: "Utterance" }, ...listColumns(),
  ];
  const cells = columns.map(({ key, name, unit }) => make("th", { "data-key": key, scope: "col" },
    make("button", { type: "button", onclick: () => orderBy(key) }, unit ? `${name}\u00a0${unit}` : name)));
  byId("head").replaceChildren(...cells, make("th", { scope: "col", class: "left" }, "Reference and errors"));
  const names = [...MEASURES.filter(({ key }) => explorer.values[key]), { key: "id", name: "Utterance" }, { key: "speaker", name: "Speaker" }];
  byId("order").replaceChildren(...names.flatMap(({ key, name }) => [
    make("option", { value: `${key} down` }, `${name}, descending`),
    make("option", { value: `${key} up` }, `${name}, ascending`),
  ]));
  showOrder();
}

function showOrder() {
  const { order, down } = explorer;
  byId("order").value = `${order} ${down ? "down" : "up"}`;
  for (const head of byId("head").children) {
    if (head.dataset.key === order) head.setAttribute("aria-sort", down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function orderBy(key, down = explorer.order === key ? !explorer.down : key !== "id") {
  Object.assign(explorer, { order: key, down, page: 0 });
  showOrder();
  explorer.found = sortFound(explorer.found);
  explorer.run += 1;
  return showPage().catch(complain);
}

// Histograms: bars of all utterances, and of those found in front of them. Each kind has
// its own scale, so that the shape of a few is seen before the many.
function makeHistograms() {
  byId("histograms").replaceChildren(...listColumns().map((measure) => {
    const bins = chooseBins(explorer.values[measure.key], measure);
    const svg = makeSvg("svg", { viewBox: `0 0 ${bins.count * 4} 40`, preserveAspectRatio: "none", class: "bars", "aria-hidden": "true" });
    const inputs = [0, 1].map((end) => makeLimit(measure, end));
    const box = make("fieldset", { class: "histogram", "data-key": measure.key },
      make("legend", {}, measure.unit ? `${measure.name}, ${measure.unit}` : measure.name),
      svg, make("div", { class: "ends dim" }, make("span", {}, bins.low.toFixed(bins.digits)), make("span", {}, `${bins.high.toFixed(bins.digits)}${bins.over ? " +" : ""}`)),
      make("div", { class: "limits" }, inputs[0], "–", inputs[1]));
    svg.addEventListener("click", (event) => {
      const area = svg.getBoundingClientRect();
      const bin = Math.min(bins.count - 1, Math.max(0, Math.floor(((event.clientX - area.left) / area.width) * bins.count)));
      const last = bin === bins.count - 1;
      setRange(measure.key, bins.low + bin * bins.width, last ? Infinity : bins.low + (bin + 1) * bins.width);
    });
    Object.assign(box, { bins, svg, inputs });
    return box;
  }));
}

function makeLimit(measure, end) {
  const input = make("input", {
    type: "number", step: "any", inputmode: "decimal", placeholder: end ? "to" : "from",
    "aria-label": `${measure.name}, ${end ? "at most" : "at least"}`,
  });
  input.addEventListener("input", debounce(() => {
    const [low, high] = explorer.ranges[measure.key] || [-Infinity, Infinity];
    const value = input.value === "" ? (end ? Infinity : -Infinity) : Number(input.value);
    setRange(measure.key, end ? low : value, end ? value : high, false);
  }, 150));
  return input;
}

function setRange(key, low, high, write = true) {
  if (low === -Infinity && high === Infinity) delete explorer.ranges[key];
  else explorer.ranges[key] = [low, high];
  explorer.page = 0;
  if (write) writeLimits();
  return refresh();
}

function writeLimits() {
  for (const { dataset, inputs } of byId("histograms").children) {
    const range = explorer.ranges[dataset.key] || [-Infinity, Infinity];
    inputs.forEach((input, end) => {
      input.value = Number.isFinite(range[end]) ? String(Number(range[end].toFixed(3))) : "";
    });
  }
}

// Bins up to the 99th percentile, since a few far values would hide all others.
function chooseBins(column, measure) {
  const values = Array.from(column).filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const whole = measure.digits === 0;
  let low = measure.key === "confidence" || measure.key === "wer" ? 0 : Math.floor(values[0] || 0);
  let high = values[Math.floor(0.99 * (values.length - 1))] || 0;
  if (measure.most) high = Math.min(high, measure.most);
  if (measure.key === "confidence") high = 1;
  if (!(high > low)) high = low + 1;
  const raw = (high - low) / NUM_BINS;
  const power = 10 ** Math.floor(Math.log10(raw));
  let width = [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= raw * 0.999);
  if (whole) width = Math.max(1, Math.ceil(width));
  const count = Math.max(1, Math.ceil((high - low) / width - 1e-9) + (whole ? 1 : 0));
  const top = low + count * width;
  return { low, high: top, width, count, digits: width < 0.1 ? 2 : width < 1 ? 1 : 0, over: values[values.length - 1] > top };
}

function countBins(column, bins, chosen) {
  const counts = new Array(bins.count).fill(0);
  for (const u of chosen) {
    const value = column[u];
    if (!Number.isNaN(value)) counts[Math.min(bins.count - 1, Math.max(0, Math.floor((value - bins.low) / bins.width + 1e-9)))] += 1;
  }
  return counts;
}

function drawHistograms() {
  for (const { dataset, bins, svg } of byId("histograms").children) {
    const column = explorer.values[dataset.key];
    const all = countBins(column, bins, explorer.index.id.keys());
    const found = countBins(column, bins, explorer.found);
    const highest = { all: Math.max(1, ...all), some: Math.max(1, ...found) };
    svg.replaceChildren(...all.flatMap((count, i) => [["all", count], ["some", found[i]]].map(([name, n]) => {
      const height = n ? Math.max(1, (38 * n) / highest[name]) : 0;
      return makeSvg("rect", { class: name, x: i * 4 + 0.3, width: 3.4, y: 40 - height, height });
    })));
  }
}

function turnPage(step) {
  explorer.page += step;
  explorer.run += 1;
  showPage().catch(complain);
  byId("explorer").scrollIntoView({ block: "start" });
}

function clearFilters() {
  Object.assign(explorer, { ranges: {}, speaker: "", query: "", page: 0 });
  byId("query").value = "";
  byId("speaker").value = "";
  writeLimits();
  return refresh();
}

function search(query) {
  Object.assign(explorer, { query, page: 0 });
  byId("query").value = query;
  return refresh();
}

function startExplorer() {
  byId("query").addEventListener("input", debounce(() => search(byId("query").value), 150));
  byId("speaker").addEventListener("change", () => {
    Object.assign(explorer, { speaker: byId("speaker").value, page: 0 });
    refresh();
  });
  byId("order").addEventListener("change", () => {
    const [key, way] = byId("order").value.split(" ");
    orderBy(key, way === "down");
  });
  byId("clear").addEventListener("click", clearFilters);
  byId("previous").addEventListener("click", () => turnPage(-1));
  byId("next").addEventListener("click", () => turnPage(1));
  byId("rows").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.classList.contains("toggle")) return;
    const buttons = [...byId("rows").querySelectorAll(".toggle")];
    const next = buttons[buttons.indexOf(event.target) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
}
