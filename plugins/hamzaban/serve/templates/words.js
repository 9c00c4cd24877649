// The words: shades of confidence, playing, the keyboard.

const LEVELS = [[0.9, ""], [0.7, " c1"], [0.5, " c2"], [0, " c3"]];
const AFTER_S = 0.12; // played after a word, whose end is estimated

// Make an element. Data become text or attributes, never HTML.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function clock(timeS) {
  const all = Math.floor(timeS);
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const tail = `${h ? String(m).padStart(2, "0") : m}:${String(s).padStart(2, "0")}`;
  return h ? `${h}:${tail}` : tail;
}

const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

// The direction of most letters. `dir=auto` does not look into the isolated words.
function findDirection(texts) {
  const letters = texts.join("").match(/\p{L}/gu) || [];
  return 2 * letters.filter((letter) => RTL.test(letter)).length > letters.length ? "rtl" : "ltr";
}

class Words {
  constructor(box, audio) {
    this.box = box;
    this.audio = audio;
    this.stopAt = null;
    box.addEventListener("click", (event) => this.play(event.target.closest(".word")));
    box.addEventListener("keydown", (event) => this.onKey(event));
    audio.addEventListener("timeupdate", () => this.follow());
    audio.addEventListener("seeked", () => this.follow());
    this.clear();
  }

  clear() {
    this.box.replaceChildren();
    this.elements = [];
    this.said = null;
    this.partial = [];
    this.marked = null;
    this.texts = [];
  }

  turn(text) {
    this.texts.push(text);
    this.box.dir = findDirection(this.texts);
  }

  begin(startS) {
    this.said = make("span", { class: "said" });
    const time = make("span", { class: "time" }, clock(startS));
    this.box.append(make("p", { class: "segment" }, time, this.said));
  }

  end() {
    this.said = null;
  }

  add(word) {
    if (!this.said) this.begin(word.start_s);
    const level = LEVELS.find(([least]) => word.confidence >= least)[1];
    const percent = Math.round(100 * word.confidence);
    const element = make("bdi", {
      class: `word${level}`, role: "button", tabindex: this.elements.length ? -1 : 0,
      title: `${percent} % sure, ${word.start_s.toFixed(2)} to ${word.end_s.toFixed(2)} s`,
    }, word.text);
    element.dataset.start = word.start_s;
    element.dataset.end = word.end_s;
    if (level) element.setAttribute("aria-description", `${percent} % sure`);
    this.elements.push(element);
    this.turn(word.text);
    this.said.append(element, " ");
  }

  addSegment(segment) {
    this.begin(segment.start_s);
    segment.words.forEach((word) => this.add(word));
    this.end();
  }

  // Final words stay; the partial ones replace those of the message before.
  hear({ final, partial, is_end: isEnd }) {
    this.partial.forEach((element) => element.remove());
    final.forEach((word) => this.add(word));
    if (!this.elements.length && partial.length) this.box.dir = findDirection(partial.map(({ text }) => text));
    if (partial.length && !this.said) this.begin(partial[0].start_s);
    this.partial = partial.map((word) => {
      const element = make("bdi", { class: "partial" }, `${word.text} `);
      this.said.append(element);
      return element;
    });
    if (!isEnd) return;
    if (this.said && !this.said.childElementCount) this.said.parentElement.remove();
    this.end();
  }

  // Play one word.
  play(element) {
    if (!element || !this.audio.src) return;
    this.focus(element);
    const start = Number(element.dataset.start);
    this.stopAt = Math.max(Number(element.dataset.end) + AFTER_S, start + 0.25);
    this.audio.currentTime = start;
    this.audio.play().catch(() => {});
    const watch = () => {
      if (this.stopAt === null || this.audio.paused) return;
      if (this.audio.currentTime >= this.stopAt) {
        this.audio.pause();
        this.stopAt = null;
      } else requestAnimationFrame(watch);
    };
    this.audio.addEventListener("playing", () => requestAnimationFrame(watch), { once: true });
  }

  focus(element) {
    for (const each of this.elements) each.tabIndex = each === element ? 0 : -1;
    element.focus();
  }

  onKey(event) {
    const at = this.elements.indexOf(event.target);
    if (at < 0) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.play(event.target);
      return;
    }
    const rtl = getComputedStyle(event.target.parentElement).direction === "rtl";
    const steps = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1, ArrowDown: 1, ArrowUp: -1 };
    const places = { Home: 0, End: this.elements.length - 1 };
    const to = event.key in places ? places[event.key] : at + (steps[event.key] || 0);
    if (to === at || !this.elements[to]) return;
    event.preventDefault();
    this.focus(this.elements[to]);
  }

  // Mark the word that is being played.
  follow() {
    const now = this.audio.currentTime;
    const found = this.elements.findLast((element) => Number(element.dataset.start) <= now + 0.01);
    const current = found && now <= Number(found.dataset.end) + AFTER_S ? found : null;
    if (current === this.marked) return;
    if (this.marked) this.marked.classList.remove("now");
    if (current) current.classList.add("now");
    this.marked = current;
  }
}
