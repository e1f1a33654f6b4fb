import { tokenTables } from "./unicode.js";
/** WordPiece with BERT's normalizer: what `tokenizers` makes of a text, ids, tokens, kinds and pieces of the text. */
export function wordPiece(words) {
  const vocab = new Map(words.map((word, id) => [word, id]));
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const [unk, cls, sep] = [1, 2, 3].map((n) => vocab.get(special[n]));
  const chinese = (c) => c >= 0x4e00 && c <= 0x9fff || c >= 0x3400 && c <= 0x4dbf || c >= 0x20000 && c <= 0x2a6df
    || c >= 0x2a700 && c <= 0x2b73f || c >= 0x2b740 && c <= 0x2b81f || c >= 0x2b920 && c <= 0x2ceaf
    || c >= 0xf900 && c <= 0xfaff || c >= 0x2f800 && c <= 0x2fa1f;
  const space = /[\t\n\r\p{White_Space}]/u;
  function ranges(text) {
    const [has, numbers] = [new Set(), text.split(" ").map((n) => parseInt(n, 36))];
    for (let n = 0, at = 0; n < numbers.length; n += 2) {
      at += numbers[n];
      for (const end = at + numbers[n + 1]; at < end; at++) if (at < 0xe000 || at > 0xf8ff) { if (at < 0xf0000) has.add(at); }
    }
    return has;
  }
  const [dropped, punctuation] = [ranges(tokenTables.dropped), ranges(tokenTables.punctuation)];
  const isDropped = (c) => dropped.has(c) || c >= 0xe000 && c <= 0xf8ff || c >= 0xf0000 && (c & 0xffff) < 0xfffe;

  /** The characters of `text` as the vocabulary has them, each with where it comes from; "" parts words. */
  function normalize(text, at) {
    const found = [];
    for (const c of text) {
      const [code, from] = [c.codePointAt(0), at];
      at += c.length;
      if (isDropped(code)) continue;
      const alone = chinese(code);
      if (space.test(c)) { found.push(["", from, at]); continue; }
      if (alone) found.push(["", from, at]);
      for (const part of c.normalize("NFD")) {
        found.push([part, from, at]);
      }
      if (alone) found.push(["", from, at]);
    }
    return found;
  }
  /** Marks in canonical order need the whole text; those that are dropped don't. */
  function lower(found) {
    return found.filter(([c]) => !c || !isDropped(c.codePointAt(0)))
      .flatMap(([c, from, to]) => (c ? [...c.toLowerCase()].map((l) => [l, from, to]) : [[c, from, to]]));
  }
  function split(found) {
    const groups = [[]];
    for (const one of found) {
      if (!one[0] || space.test(one[0])) groups.push([]);
      else if (punctuation.has(one[0].codePointAt(0))) groups.push([one], []);
      else groups.at(-1).push(one);
    }
    return groups.filter((group) => group.length);
  }
  function* pieces(group) {
    const all = [];
    const whole = [group[0][1], group.at(-1)[2]];
    if (group.length > 100) { yield [unk, ...whole, "unknown"]; return; }
    for (let from = 0; from < group.length;) {
      let [to, text, id] = [group.length, group.slice(from).map(([c]) => c).join(""), undefined];
      for (; to > from; to--) {
        id = vocab.get((from ? "##" : "") + text);
        if (id !== undefined) break;
        text = text.slice(0, -group[to - 1][0].length);
      }
      if (id === undefined) { yield [unk, ...whole, "unknown"]; return; }
      all.push([id, group[from][1], group[to - 1][2], from ? "continuation" : id === unk ? "unknown" : "word"]);
      from = to;
    }
    yield* all;
  }
  function encode(text, { special: add = true, limit = 512 } = {}) {
    const found = [];
    let at = 0;
    for (const part of text.split(/(\[(?:PAD|UNK|CLS|SEP|MASK)\])/)) {
      if (special.includes(part)) found.push([vocab.get(part), at, at + part.length, part === "[UNK]" ? "unknown" : "special"]);
      else for (const group of split(lower(normalize(part, at)))) found.push(...pieces(group));
      at += part.length;
    }
    const room = limit - 2 * Number(add);
    const inside = found.slice(0, room);
    const kept = add ? [[cls, 0, 0, "special"], ...inside, [sep, 0, 0, "special"]] : inside;
    let word = -1;
    const points = new Int32Array(text.length + 1);
    for (let i = 0, n = 0; i < text.length; n++) { points[i] = n; i += text.codePointAt(i) > 0xffff ? 2 : 1; points[i] = n + 1; }
    return { ids: kept.map(([id]) => id), tokens: kept.map(([id]) => words[id]), kinds: kept.map((one) => one[3]),
      offsets: kept.map(([, from, to]) => [points[from], points[to]]),
      pieces: kept.map(([, from, to]) => text.slice(from, to)),
      wordIds: kept.map(([, , to, kind]) => (kind === "special" ? null : kind === "continuation" ? word : word += 1)),
      cut: Math.max(0, found.length - inside.length) };
  }
  return { words, special: { pad: vocab.get("[PAD]"), unk, cls, sep, mask: vocab.get("[MASK]") }, encode,
    pieces: (text) => encode(text, { special: false, limit: Infinity }).tokens };
}
