// The table of words: how often, how often missed, and whether the training text has them.

const WORDS_SHOWN = 20;
const vocabulary = { words: null, order: "count", down: true, page: 0, found: [], run: 0 };

async function openVocabulary(view) {
  const run = ++vocabulary.run;
  const words = await loadPart(`${view.key}-words`);
  if (run !== vocabulary.run) return;
  words.rate = words.count.map((count, i) => (count ? words.missed[i] / count : NaN));
  Object.assign(vocabulary, { words, page: 0 });
  byId("unseen-only").parentElement.hidden = !words.trained;
  if (!words.trained) byId("unseen-only").checked = false;
  if (!words[vocabulary.order]) vocabulary.order = "count";
  const columns = [["word", "Word"], ["count", "In references"], ["missed", "Missed"], ["rate", "Missed %"], ["false", "Falsely recognized"]];
  if (words.trained) columns.push(["trained", "In training"]);
  byId("word-head").replaceChildren(...columns.map(([key, name]) => make("th", { "data-key": key, scope: "col" },
    make("button", { type: "button", onclick: () => orderWords(key) }, name))));
  showWords();
}

function orderWords(key) {
  vocabulary.down = vocabulary.order === key ? !vocabulary.down : key !== "word";
  vocabulary.order = key;
  vocabulary.page = 0;
  showWords();
}

function showWords() {
  const { words, order, down } = vocabulary;
  const part = fold(byId("word-query").value.trim());
  const unseen = byId("unseen-only").checked;
  const found = [];
  words.word.forEach((word, i) => {
    if (part && !fold(word).includes(part)) return;
    if (unseen && (words.trained[i] > 0 || !words.count[i])) return;
    found.push(i);
  });
  const sign = down ? -1 : 1;
  const column = words[order];
  if (order === "word") {
    const collator = new Intl.Collator();
    found.sort((a, b) => sign * collator.compare(column[a], column[b]));
  } else {
    found.sort((a, b) => Number.isNaN(column[a]) - Number.isNaN(column[b]) || sign * (column[a] - column[b]) || words.count[b] - words.count[a] || a - b);
  }
  vocabulary.found = found;
  for (const head of byId("word-head").children) {
    if (head.dataset.key === order) head.setAttribute("aria-sort", down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  const first = vocabulary.page * WORDS_SHOWN;
  byId("word-rows").replaceChildren(...found.slice(first, first + WORDS_SHOWN).map(makeWordRow));
  const last = Math.min(found.length, first + WORDS_SHOWN);
  byId("word-place").textContent = `${formatCount(found.length ? first + 1 : 0)}–${formatCount(last)} of ${formatCount(found.length)} words`;
  byId("word-previous").disabled = first === 0;
  byId("word-next").disabled = last >= found.length;
}

function makeWordRow(i) {
  const { words } = vocabulary;
  const word = make("button", { type: "button", class: "link text", title: "Show its utterances" }, make("bdi", {}, words.word[i]));
  word.addEventListener("click", () => {
    search(`"${words.word[i]}"`);
    byId("explorer").scrollIntoView({ block: "start" });
    byId("query").focus({ preventScroll: true });
  });
  const cells = [words.count[i], words.missed[i], percent(words.rate[i]), words.false[i]];
  if (words.trained) cells.push(words.trained[i]);
  return make("tr", {}, make("td", {}, word), ...cells.map((cell) => make("td", {}, typeof cell === "number" ? formatCount(cell) : cell)));
}

function startVocabulary() {
  const first = () => {
    vocabulary.page = 0;
    showWords();
  };
  byId("word-query").addEventListener("input", debounce(first, 150));
  byId("unseen-only").addEventListener("change", first);
  const turn = (step) => () => {
    vocabulary.page += step;
    showWords();
  };
  byId("word-previous").addEventListener("click", turn(-1));
  byId("word-next").addEventListener("click", turn(1));
}
