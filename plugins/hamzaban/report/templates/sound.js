// The recording of an utterance: outline, player, and words at their times.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LANE_REM = 1.7;
let playing = null; // one recording at a time

function drawOutline(peaks) {
  const svg = makeSvg("svg", {
    viewBox: `0 0 ${peaks.length} 64`, preserveAspectRatio: "none", "aria-hidden": "true",
  });
  const heights = [...peaks].map((digit) => {
    const share = DIGITS.indexOf(digit) / 63; // a square root
    return Math.max(0.4, 30 * share * share);
  });
  const above = heights.map((height, i) => `${i + 0.5},${(32 - height).toFixed(1)}`);
  const below = heights.map((height, i) => `${i + 0.5},${(32 + height).toFixed(1)}`);
  svg.append(makeSvg("polygon", { class: "wave", points: [...above, ...below.reverse()].join(" ") }));
  return svg;
}

// Give each word the first lane in which it does not cover another one.
function placeWords(words, width) {
  const ends = [];
  for (const { element, left } of [...words].sort((a, b) => a.left - b.left)) {
    const x = Math.min(left * width, Math.max(0, width - element.offsetWidth));
    let lane = ends.findIndex((end) => end <= x);
    if (lane < 0) lane = ends.length;
    ends[lane] = x + element.offsetWidth + 3;
    element.style.left = `${x}px`;
    element.style.top = `${lane * LANE_REM}rem`;
  }
  return ends.length;
}

function makeTimeline(text, durationS, peaks, seek) {
  const wave = make("div", { class: "outline" }, drawOutline(peaks));
  const head = make("i", { class: "head" });
  wave.append(head);
  const steps = findSteps(text);
  const words = text.timed.map((word, i) => {
    const [from, to] = [text.times[2 * i] / 100, text.times[2 * i + 1] / 100];
    const title = `${from.toFixed(2)} to ${to.toFixed(2)} s`;
    const kind = steps[i] && steps[i] !== "C" ? ` ${steps[i]}` : "";
    const span = make("i", { class: `span${kind}` });
    span.style.left = `${(100 * from) / durationS}%`;
    span.style.width = `${(100 * Math.max(0.01, to - from)) / durationS}%`;
    wave.append(span);
    const element = make("button", {
      type: "button", class: `word text${kind}`, title, onclick: () => seek(from),
    }, make("bdi", {}, word));
    return { element, left: from / durationS };
  });
  const lanes = make("div", { class: "lanes" }, ...words.map(({ element }) => element));
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * durationS);
  });
  const box = make("div", { class: "timeline", dir: "ltr" }, wave,
    make("div", { class: "lanes-box" }, lanes), make("div", { class: "scale dim" }, make("span", {}, "0 s"),
      make("span", {}, `${durationS.toFixed(2)} s`)));
  const lay = () => {
    lanes.style.height = `${placeWords(words, lanes.clientWidth) * LANE_REM}rem`;
  };
  new ResizeObserver(lay).observe(box);
  return { box, head };
}

// The element that shows and plays a recording.
function makeSound(text, durationS, [peaks, address, isCut], name) {
  const box = make("div", { class: "sound" });
  const audio = address
    ? make("audio", { controls: true, preload: "metadata", src: address, "aria-label": `Recording ${name}` })
    : null;
  const seek = (timeS) => {
    if (!audio) return;
    audio.currentTime = timeS;
    audio.play().catch(() => {});
  };
  const { box: timeline, head } = makeTimeline(text, durationS || 1, peaks, seek);
  box.append(timeline);
  if (!audio) return box;
  const note = make("p", { class: "dim", role: "status" });
  const follow = () => {
    head.style.left = `${(100 * audio.currentTime) / (durationS || 1)}%`;
    if (!audio.paused) requestAnimationFrame(follow);
  };
  audio.addEventListener("play", () => {
    if (playing && playing !== audio) playing.pause();
    playing = audio;
    follow();
  });
  audio.addEventListener("seeked", follow);
  audio.addEventListener("error", () => {
    note.textContent = "The recording is no longer where it was when this report was made.";
  });
  if (isCut) note.textContent = "The page holds only the first minute of this recording.";
  box.append(audio, note);
  return box;
}
