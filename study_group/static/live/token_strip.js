/** What Python does for TokenStrip, in a page: the tokens of the text, collected as `look` in token_strip.py does. */
export function tokenStrip(traits, { encode }) {
  const readable = (token) => (/^##./u.test(token) ? ["", "##", token.slice(2)] : [token.replace(/^\p{M}/u, "◌$&")]);
  async function look() {
    const { text, special_tokens: special, _view: view } = traits;
    const { ids, tokens, kinds, offsets, wordIds } = encode(text, { special, limit: Infinity });
    const distinct = [...new Map(tokens.map((token, n) => [token, ids[n]]))];
    const places = new Map(distinct.map(([token], n) => [token, n]));
    const kindAt = new Map(view.kinds.map(([kind], n) => [kind, n]));
    const rows = Int32Array.from([tokens.map((token) => places.get(token)), offsets.map(([start]) => start),
      offsets.map(([, end]) => end), wordIds.map((word) => word ?? -1), kinds.map((kind) => kindAt.get(kind))].flat());
    const written = JSON.stringify(distinct.map(([token, id]) => [token, id, ...readable(token)]));
    return { error: "", token: null, _view: { ...view, text, special_tokens: special, added: special ? 2 : 0,
      rows: new DataView(rows.buffer), distinct: written } };
  }
  return { text: look, special_tokens: look };
}
