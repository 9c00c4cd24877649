// Parts of the data: in elements of the page, or in scripts that are loaded when needed.

const start = JSON.parse(document.getElementById("start").textContent);
const waiting = new Map(); // name -> functions that settle its promise
const parts = new Map(); // name -> promise
const MAX_KEPT = 400;

// The one global name: scripts of parts call it.
globalThis.hamzabanPart = (name, value) => {
  const found = waiting.get(name);
  waiting.delete(name);
  if (found) found.resolve(value);
};

function loadPart(name) {
  if (!parts.has(name)) {
    parts.set(name, new Promise((resolve, reject) => {
      const inline = document.getElementById(`part-${name}`);
      if (inline) {
        resolve(JSON.parse(inline.textContent));
        return;
      }
      waiting.set(name, { resolve, reject });
      const script = document.createElement("script");
      script.src = `${start.folder}/${name}.js`;
      script.onload = () => script.remove();
      script.onerror = () => {
        parts.delete(name);
        script.remove();
        reject(new Error(`${script.getAttribute("src")} is not there: keep the folder ` +
          `${start.folder.split("/")[0]} beside this page`));
      };
      document.head.append(script);
    }));
    if (parts.size > MAX_KEPT) parts.delete(parts.keys().next().value);
  }
  return parts.get(name);
}

// Row `place` of the parts `<prefix>-<n>`, which hold `size` rows each.
async function loadRow(prefix, place, size = start.shard) {
  const part = await loadPart(`${prefix}-${Math.floor(place / size)}`);
  return part[place % size];
}

// Make an element. Data become text or attributes, never HTML.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function makeSvg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

const byId = (id) => document.getElementById(id);
const formatCount = (number) => number.toLocaleString("en");
const percent = (share) => (Number.isFinite(share) ? toFixed(100 * share, 1) : "–");

/** Round as the tables do, which Python and sclite write: a half goes to the even digit. */
function toFixed(number, digits) {
  const isHalf = /^50*$/.test(number.toFixed(60).split(".")[1].slice(digits));
  const below = Math.floor(number * 10 ** digits);
  return isHalf ? ((below + (below % 2)) / 10 ** digits).toFixed(digits) : number.toFixed(digits);
}

function debounce(call, delayMs) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(call, delayMs);
  };
}
