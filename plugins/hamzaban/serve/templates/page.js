// The page: upload or record, progress, downloads, errors.

const settings = JSON.parse(document.getElementById("settings").textContent);
const $ = (id) => document.getElementById(id);
const audio = $("audio");
const words = new Words($("words"), audio);
let texts = null; // format -> text
let name = "recording";
let work = null; // what Cancel and Stop end
let address = null;

function show(id, isShown = true) {
  $(id).hidden = !isShown;
}

function tell(text) {
  $("status").textContent = text;
}

function setProgress(share) {
  if (share === null) $("progress").removeAttribute("value");
  else $("progress").value = share;
}

function fail(text) {
  $("error").textContent = text;
  show("error");
  tell("");
}

function setBusy(isBusy, isRecording = false) {
  $("file").disabled = isBusy;
  show("choose", !isBusy);
  show("hint", !isBusy);
  show("record", !isBusy);
  show("stop", isRecording);
  show("cancel", isBusy);
  show("work", isBusy && !isRecording);
}

function setAudio(blob) {
  if (address) URL.revokeObjectURL(address);
  address = blob ? URL.createObjectURL(blob) : null;
  if (address) audio.src = address;
  else audio.removeAttribute("src");
  show("audio-note", false);
}

function begin() {
  texts = null;
  words.clear();
  show("error", false);
  show("empty", false);
  show("faults", false);
  show("downloads", false);
  show("legend", false);
  show("help", false);
  show("player", false);
  show("result", false);
}

// Show what there is to show.
function reveal() {
  const isAny = words.elements.length > 0;
  show("result");
  show("player", Boolean(address));
  show("legend", isAny);
  show("help", isAny && Boolean(address));
}

function finish(result) {
  texts = result;
  const found = JSON.parse(result.json);
  show("downloads", words.elements.length > 0);
  reveal();
  show("empty", !words.elements.length);
  $("faults").replaceChildren(...found.faults.map((text) => make("li", {}, `Part of the file is missing: ${text}`)));
  show("faults", found.faults.length > 0);
  tell(`Done: ${words.elements.length} words in ${clock(found.duration_s)}.`);
}

const PLAIN = {
  403: "This page may not use the service. Open it under the address that the service printed.",
  408: "The file took too long to arrive. Try a smaller file.",
  413: "The file is too large or too long.",
  415: "This is no audio that can be read. Try another file, such as wav, mp3, m4a, ogg or webm.",
  422: "The file is damaged or has no sound.",
  503: "The service is busy. Try again in a moment.",
};

const SHOW_DETAIL = [400, 413, 422, 500]; // where the service knows more than PLAIN

function explain(status, text) {
  let detail = text;
  try { detail = JSON.parse(text).error; } catch { /* it is text already */ }
  const plain = PLAIN[status] || "The service failed.";
  return detail && SHOW_DETAIL.includes(status) ? `${plain} (${detail})` : plain;
}

// Send a file; call `event` with each line of the answer.
function send(file, event) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    let read = 0;
    const take = () => {
      if (request.status !== 200) return;
      const end = request.responseText.lastIndexOf("\n") + 1;
      request.responseText.slice(read, end).split("\n").filter(Boolean)
        .forEach((line) => event(JSON.parse(line), resolve, reject));
      read = end;
    };
    request.onprogress = take;
    request.onload = () => {
      if (request.status !== 200) reject(new Error(explain(request.status, request.responseText)));
      else {
        take();
        reject(new Error("The service stopped before it was done. Try again."));
      }
    };
    request.onerror = () => reject(new Error("The service cannot be reached, or refused the file before it was sent. Is it running, and is the file not too large?"));
    request.onabort = () => reject(new Error("Cancelled."));
    request.upload.onprogress = ({ loaded, total }) => {
      setProgress(loaded / total);
      tell(`Sending: ${Math.round((100 * loaded) / total)} %`);
    };
  });
  const form = new FormData();
  form.append("file", file);
  request.open("POST", `/transcribe?format=${settings.formats.join(",")}`);
  request.setRequestHeader("Accept", "application/x-ndjson");
  request.send(form);
  return { done, cancel: () => request.abort() };
}

async function transcribe(file) {
  if (work) return;
  begin();
  if (file.size > settings.maxUploadMb * 1e6) {
    fail(`${file.name} has ${Math.ceil(file.size / 1e6)} MB; the service takes ${settings.maxUploadMb} MB at most.`);
    return;
  }
  name = file.name.replace(/\.[^.]*$/, "") || "recording";
  setAudio(file);
  setBusy(true);
  setProgress(0);
  work = send(file, (event, resolve, reject) => {
    if (event.state === "waiting") { setProgress(null); tell("Waiting for the recognizer"); }
    if (event.done_s) {
      const share = Number.isFinite(audio.duration) ? Math.min(1, event.done_s / audio.duration) : null;
      setProgress(share);
      tell(`Listening: ${clock(event.done_s)}${share === null ? "" : ` of ${clock(audio.duration)}`}`);
    }
    if (event.segment) { words.addSegment(event.segment); reveal(); }
    if (event.error) reject(new Error(explain(event.status, event.error)));
    if (event.result) resolve(event.result);
  });
  await settle(work.done);
}

async function record() {
  if (work) return;
  begin();
  setAudio(null);
  setBusy(true, true);
  tell("Asking for the microphone");
  name = "recording";
  work = { cancel: () => {} };
  try {
    const recording = await startRecording(settings.worklet, settings.formats, (heard) => {
      words.hear(heard);
      reveal();
    });
    work = recording;
    const timer = setInterval(() => tell(`Recording: ${clock(recording.seconds())}`), 250);
    tell("Recording: speak now");
    const done = recording.done.finally(() => {
      clearInterval(timer);
      setAudio(recording.wav());
    });
    await settle(done);
  } catch (error) {
    fail(error.message);
    setBusy(false);
    work = null;
  }
}

async function settle(done) {
  try {
    finish(await done);
  } catch (error) {
    fail(error.message);
  }
  if (words.elements.length) reveal();
  setBusy(false);
  work = null;
}

function save() {
  const form = $("format").value;
  const link = make("a", { download: `${name}.${form}` });
  link.href = URL.createObjectURL(new Blob([texts[form]], { type: "text/plain;charset=utf-8" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

$("format").append(...settings.formats.map((form) => make("option", { value: form }, form)));
$("format").value = "srt";
$("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (file) transcribe(file);
});
$("record").addEventListener("click", record);
$("stop").addEventListener("click", () => { if (work && work.stop) { tell("Finishing"); work.stop(); } });
$("cancel").addEventListener("click", () => { if (work) work.cancel(); });
$("download").addEventListener("click", save);
$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(texts.txt);
    tell("Copied.");
  } catch {
    fail("The browser did not let the page copy. Select the words, or save them as txt.");
  }
});
audio.addEventListener("error", () => {
  if (!audio.src) return;
  $("audio-note").textContent = "This browser cannot play this file. The words are not affected.";
  show("audio-note");
});
const zone = $("start");
document.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
document.addEventListener("dragleave", () => zone.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  zone.classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) transcribe(file);
});
