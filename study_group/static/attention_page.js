
/** In a saved page there is no Python: this model answers from what is in the page. */
function pageModel() {
  const state = JSON.parse(document.getElementById("state").textContent);
  const unpack = (text) => {
    const characters = atob(text);
    const bytes = new Uint8Array(characters.length);
    for (let n = 0; n < bytes.length; n++) bytes[n] = characters.charCodeAt(n);
    return bytes;
  };
  state._view.allowed = new DataView(unpack(state._view.allowed).buffer);
  const { shape: [layers, , heads, n], queries, allowed } = state._view;
  const heard = new Map();
  const tell = (name, ...what) => { for (const hear of heard.get(name) ?? []) hear(...what); };

  /** A layer's heads, (heads, n, n); they are stored column by column. */
  async function layerOf(kind, row, layer) {
    const packed = unpack(document.getElementById(`${kind} ${row} ${layer}`).textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const columns = new Uint8Array(await new Response(stream).arrayBuffer());
    const bytes = new Uint8Array(columns.length);
    for (let h = 0; h < heads; h++) {
      for (let q = 0, at = h * n * n; q < n; q++) {
        for (let k = 0, from = h * n * n + q; k < n; k++, from += n) bytes[at++] = columns[from];
      }
    }
    return bytes;
  }
  function hide(bytes, row) {
    for (let at = 0; at < bytes.length; at++) {
      const bit = queries === 1 ? row * n + at % n : row * n * n + at % (n * n);
      if (!((allowed.getUint8(bit >> 3) >> (7 - (bit & 7))) & 1)) bytes[at] = 128;
    }
  }
  const answers = {
    async heads({ kind, row, layer }) {
      return [{ scales: state.scales[`${kind} ${row} ${layer}`] }, await layerOf(kind, row, layer)];
    },
    async overview({ stage, row }) {
      const [size, kind] = [Math.min(n, 48), stage === "softmax" ? "weights" : "scores"];
      const all = new Uint8Array(layers * heads * size * size);
      for (let layer = 0; layer < layers; layer++) {
        await new Promise((resolve) => setTimeout(resolve, layer ? 0 : 30)); // the open head and the reader come first
        const bytes = await layerOf(kind, row, layer);
        if (stage === "masked") hide(bytes, row);
        for (let h = 0; h < heads; h++) {
          const head = bytes.subarray(h * n * n, (h + 1) * n * n);
          const small = n === size ? head : pool(head, n, n, size, size, kind === "scores");
          all.set(small, (layer * heads + h) * size * size);
        }
      }
      return [{ size }, all];
    },
  };
  return {
    get: (name) => state[name],
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      tell(`change:${name}`);
    },
    save_changes() {},
    on(name, hear) { heard.set(name, [...(heard.get(name) ?? []), hear]); },
    async send({ want, version, ...asked }) {
      const [more, bytes] = await answers[want](asked);
      tell("msg:custom", { what: want, version, asked, ...more }, [new DataView(bytes.buffer)]);
    },
  };
}

study("attention-grid", draw).render({ model: pageModel(), el: document.body });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
  document.body.dataset.dark = matches; // the widget looks at its background anew
});
