/** What a panel asks of Python, or of a page's own answers: once each, and kept while the maps are the same. */
import { bytesOf } from "../parts/numbers.js";

/**
 * `find(place)` gives the answer to `want` about `place`, { ...answer, bytes }, and asks for it where it isn't here;
 * `news()` hears that one has come.
 * @param {any} model @param {() => any} view @param {string} want @param {() => void} news
 */
export function asking(model, view, want, news) {
  const [known, asked] = [new Map(), new Set()];
  let version = -1;
  const nameOf = (place) => JSON.stringify(Object.entries(place).sort());
  function renew() {
    if (version === view().version) return;
    version = view().version;
    known.clear();
    asked.clear();
  }
  model.on("msg:custom", (answer, [data]) => {
    renew();
    if (answer.what !== want || answer.version !== version) return;
    known.set(nameOf(answer.asked), { ...answer, bytes: bytesOf(data) });
    news();
  });
  return {
    find(place) {
      renew();
      const name = nameOf(place);
      if (!known.has(name) && !asked.has(name)) {
        asked.add(name);
        model.send({ want, version, ...place });
      }
      return known.get(name);
    },
  };
}
