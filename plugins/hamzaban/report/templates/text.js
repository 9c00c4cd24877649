// Texts of an utterance: aligned words, their direction, and marks that are invisible.

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const LETTER = /\p{L}/u;
const INVISIBLE = new Map([
  ["\u200b", "zero width space"], ["\u200c", "ZWNJ"], ["\u200d", "ZWJ"],
  ["\u200e", "left-to-right mark"], ["\u200f", "right-to-left mark"],
  ["\u00a0", "no-break space"], ["\u00ad", "soft hyphen"], ["\ufeff", "byte order mark"],
]);
const STEP_NAMES = { C: "correct", S: "substituted", D: "deleted", I: "inserted" };

// The direction that most letters have; that of the first letter misleads where texts
// begin with a foreign word.
function findDirection(...texts) {
  let right = 0;
  let left = 0;
  for (const text of texts) {
    for (const char of text) {
      if (RIGHT_TO_LEFT.test(char)) right += 1;
      else if (LETTER.test(char)) left += 1;
    }
  }
  return right > left ? "rtl" : "ltr";
}

// Turn a row of a text part into words. See rows.py for its form.
function readText(row) {
  const [ref, sameHyp, sameSteps, sameTimed, times] = row;
  const hyp = sameHyp === 0 ? ref : sameHyp;
  const refs = ref ? ref.split(" ") : [];
  const hyps = hyp ? hyp.split(" ") : [];
  const steps = sameSteps === 0 ? "C".repeat(refs.length) : sameSteps;
  const columns = [];
  let r = 0;
  let h = 0;
  for (const step of steps) {
    columns.push({
      step,
      ref: step === "I" ? "" : refs[r++],
      hyp: step === "D" ? "" : hyps[h++],
    });
  }
  const timed = times ? (sameTimed === 0 ? hyp : sameTimed).split(" ") : [];
  return { ref, hyp, columns, timed, times: times || [], dir: findDirection(ref, hyp) };
}

// A word, isolated; with `marks`, what is invisible in it gets a visible sign.
function makeWord(tag, word, className, marks = false) {
  const element = make(tag, { class: className, dir: "auto" });
  if (!marks || ![...word].some((char) => INVISIBLE.has(char))) {
    element.append(word);
    return element;
  }
  let rest = "";
  for (const char of word) {
    rest += char;
    if (!INVISIBLE.has(char)) continue;
    element.append(rest, make("i", { class: "zw", title: INVISIBLE.get(char) }));
    rest = "";
  }
  element.append(rest);
  return element;
}

// One line: right words as they are, missed ones struck out, false ones after them.
function makeLine(text) {
  const line = make("span", { class: "line text", dir: text.dir, lang: "" });
  for (const { step, ref, hyp } of text.columns) {
    if (step === "C") line.append(makeWord("bdi", ref, null), " ");
    if (step === "S" || step === "D") line.append(makeWord("del", ref, null, true), " ");
    if (step === "S" || step === "I") line.append(makeWord("ins", hyp, null, true), " ");
  }
  if (!text.columns.length) line.append(make("span", { class: "dim" }, "no words"));
  return line;
}

// Reference above hypothesis, column by column.
function makeAlignment(text) {
  const list = make("div", { class: "align text", dir: text.dir, role: "list", lang: "" });
  for (const { step, ref, hyp } of text.columns) {
    const wrong = step !== "C";
    list.append(make(
      "span",
      { class: `col ${step}`, title: STEP_NAMES[step], role: "listitem" },
      makeWord("span", ref || "\u00a0", "r", wrong && ref),
      makeWord("span", hyp || "\u00a0", "h", wrong && hyp),
    ));
  }
  return list;
}

// What tells of each timed word whether it is right; null where the words differ from
// those that were scored.
function findSteps(text) {
  const found = text.columns.filter(({ step }) => step !== "D");
  const same = found.length === text.timed.length;
  return text.timed.map((_, i) => (same ? found[i].step : null));
}
