// The choice of a set and a decoding, which all of the page follows.

function chooseView(view) {
  for (const element of document.querySelectorAll("[data-view]")) {
    element.hidden = element.dataset.view !== view.key;
  }
  byId("set").value = view.set;
  byId("decoding").replaceChildren(...start.views.filter(({ set }) => set === view.set)
    .map(({ key, decoding }) => make("option", { value: key }, decoding)));
  byId("decoding").value = view.key;
  return Promise.all([openView(view), openVocabulary(view)]).catch(complain);
}

function startReport() {
  const sets = [...new Set(start.views.map(({ set }) => set))];
  byId("set").replaceChildren(...sets.map((name) => make("option", { value: name }, name)));
  byId("set").addEventListener("change", () => {
    const before = start.views.find(({ key }) => key === byId("decoding").value);
    const there = start.views.filter(({ set }) => set === byId("set").value);
    chooseView(there.find(({ decoding }) => decoding === before.decoding) || there[0]);
  });
  byId("decoding").addEventListener("change", () => {
    chooseView(start.views.find(({ key }) => key === byId("decoding").value));
  });
  for (const element of document.querySelectorAll(".needs-script")) element.hidden = false;
  startExplorer();
  startVocabulary();
  return chooseView(start.views[0]);
}

globalThis.hamzabanReady = startReport();
