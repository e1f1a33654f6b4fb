/** What Python does for PaddingTable, in a page: each call by its rule, on texts that the page's tokenizer reads. */
import { count, plural } from "../parts/numbers.js";

const totalOf = (numbers) => numbers.reduce((sum, n) => sum + n, 0);

function sayNumbers(numbers) {
  if (!numbers) return "–";
  if (numbers.length > 2 && new Set(numbers).size === 1) return `${count(numbers[0])} each`;
  const more = numbers.length > 4 ? `, … ${count(numbers.length - 4)} more` : "";
  return numbers.slice(0, 4).map(count).join(", ") + more;
}

function sayMore(tokens, pads) {
  const said = [[tokens, "more token"], [pads, "more pad"]].filter(([n]) => n > 0).map(([n, name]) => plural(n, name));
  return said.length ? `… ${said.join(" and ")}` : "";
}

function sayBatch({ lengths, pads, cut }) {
  const [all, padded, lost] = [lengths, pads, cut].map(totalOf);
  const [most, least] = [Math.max(...lengths), Math.min(...lengths)];
  const what = `${count(all - padded)} tokens and ${count(padded)} pads`
    + `${lost ? `; ${count(lost)} tokens were cut` : ""}.`;
  return `${plural(lengths.length, "row")} ${most > least
    ? `of ${count(most)} to ${count(least)}: ${what} Ragged, so it can't become a tensor.`
    : `× ${count(most)} columns = ${count(all)} slots: ${what}`}`;
}

export function paddingTable(traits, { encode, words, special: { pad }, more: { rules, limit, most } }) {
  let texts, encoded, rows;
  function cutTo(target) { // the texts, each of `target` tokens at most
    if (!encoded.has(target)) encoded.set(target, texts.map((text) => encode(text, { limit: target })));
    return encoded.get(target);
  }
  const sizes = (target) => cutTo(target).map(({ ids }) => ids.length);
  function call({ target, cuts, pad: wanted, said, traps }) {
    const [whole, kept] = [sizes(Infinity), cuts ? target : Infinity];
    const { error, warning: spoken } = said[Number(whole.some((n) => n > target))];
    if (error) return { error };
    const real = sizes(kept);
    const width = wanted ?? Math.max(...real);
    const [pads, cut] = [real.map((n) => Math.max(0, width - n)), real.map((n, i) => whole[i] - n)];
    const lengths = real.map((n, i) => n + pads[i]);
    const long = lengths.find((n) => n > limit);
    const warning = spoken?.replace("{}", `${long}`);
    const when = { always: true, unwarned: !warning, cut: totalOf(cut) > 0, ragged: new Set(lengths).size > 1,
      "too long": long && !warning };
    const trap = traps.filter(([, condition]) => when[condition]).map(([trap]) => trap).join(" ");
    return { trap, warning, kept, real, lengths, pads, cut };
  }
  function batch() {
    const [index, row] = [traits.selected, rows[traits.selected]];
    const drawn = { index, limit: traits._view.rows[index].passed[2], columns: [0, 0], rows: [], more: "" };
    if (row.error) return { ...drawn, said: "There is no batch: the call raises an error." };
    const [width, real] = [row.lengths, row.real].map((numbers) => Math.max(...numbers.slice(0, 8)));
    const end = width <= 24 ? width : Math.min(width, real + 4, 48);
    const draw = ({ ids, tokens, kinds }, i) => {
      const pads = Array(row.pads[i]).fill([words[pad], "pad", pad]);
      const cells = [...ids.map((id, n) => [tokens[n], kinds[n], id]), ...pads];
      return { cells: cells.slice(0, end), before: "", tokens: ids.length, pads: row.pads[i], n_cut: row.cut[i],
        after: sayMore(ids.length - end, row.lengths[i] - Math.max(end, ids.length)),
        cut: cutTo(Infinity)[i].tokens.slice(ids.length - 1, -1).slice(0, 24) };
    };
    return { ...drawn, said: sayBatch(row), columns: [0, end], rows: cutTo(row.kept).slice(0, 8).map(draw),
      more: texts.length > 8 ? `… ${plural(texts.length - 8, "more text")}` : "" };
  }
  function read() { [texts, encoded] = [traits.texts, new Map()]; rows = rules.map(call); }
  function view() {
    const some = (names, row, make) => Object.fromEntries(names.map((name) => [name, make(row[name])]));
    const said = rows.map((row, n) => ({ ...traits._view.rows[n],
      ...some(["lengths", "pads", "cut"], row, sayNumbers),
      messages: some(["error", "trap", "warning"].filter((name) => row[name]), row, String),
      outcome: row.error ? "error" : row.trap ? "silent trap" : row.warning ? "warning" : "fine" }));
    return { ...traits._view, texts, rows: said, sizes: sizes(Infinity).slice(0, 8).map((n) => `${count(n)} tokens`) };
  }
  read();
  return {
    selected: async () => ({ _batch: batch() }),
    async texts() {
      const size = totalOf(traits.texts.map((text) => [...text].length));
      const error = `texts has ${count(size)} characters in all, and ${rules.length} calls would read them: `;
      if (size > most) return { error: `${error}pass at most ${count(most)}.` };
      read();
      return { error: "", _view: view(), _batch: batch() };
    },
  };
}
