/** What Python does for PaddingTable, in a page: each call by its rule, on texts that the page's tokenizer reads. */
import { count } from "../parts/numbers.js";

export function paddingTable(traits, { encode, words, special: { pad }, more: { rules, limit, most } }) {
  let texts, encoded, rows;
  const sum = (numbers) => numbers.reduce((all, n) => all + n, 0);
  const some = (n, name) => `${count(n)} ${name}${n > 1 ? "s" : ""}`;
  /** The texts, each cut to so many tokens. */
  function cutTo(target) {
    if (!encoded.has(target)) encoded.set(target, texts.map((text) => encode(text, { limit: target })));
    return encoded.get(target);
  }
  const sizes = (target) => cutTo(target).map(({ ids }) => ids.length);
  function call({ target, cuts, pad: wanted, said, traps }) {
    const whole = sizes(Infinity);
    const { error, warning: spoken } = said[Number(whole.some((n) => n > target))];
    if (error) return { error };
    const kept = cuts ? target : Infinity;
    const real = sizes(kept);
    const width = wanted ?? Math.max(...real);
    const [pads, cut] = [real.map((n) => Math.max(0, width - n)), real.map((n, i) => whole[i] - n)];
    const lengths = real.map((n, i) => n + pads[i]);
    const long = lengths.find((n) => n > limit);
    const warning = spoken?.replace("{}", `${long}`);
    const when = { always: true, unwarned: !warning, cut: sum(cut) > 0, ragged: new Set(lengths).size > 1,
      "too long": long && !warning };
    const trap = traps.filter(([, condition]) => when[condition]).map(([trap]) => trap).join(" ");
    return { trap, warning, kept, real, lengths, pads, cut };
  }
  function sayNumbers(numbers) {
    if (!numbers) return "–";
    if (numbers.length > 2 && new Set(numbers).size === 1) return `${count(numbers[0])} each`;
    return numbers.slice(0, 4).map(count).join(", ") + (numbers.length > 4 ? `, … ${count(numbers.length - 4)} more` : "");
  }
  function sayMore(tokens, pads) {
    const said = [[tokens, "more token"], [pads, "more pad"]].filter(([n]) => n > 0).map(([n, name]) => some(n, name));
    return said.length ? `… ${said.join(" and ")}` : "";
  }
  function sayBatch({ lengths, pads, cut }) {
    const [all, padded, lost, most, least] = [...[lengths, pads, cut].map(sum), Math.max(...lengths), Math.min(...lengths)];
    const what = `${count(all - padded)} tokens and ${count(padded)} pads${lost ? `; ${count(lost)} tokens were cut` : ""}.`;
    return `${some(lengths.length, "row")} ${most > least
      ? `of ${count(most)} to ${count(least)}: ${what} Ragged, so it can't become a tensor.`
      : `× ${count(most)} columns = ${count(all)} slots: ${what}`}`;
  }
  function batch() {
    const [index, { error, ...row }] = [traits.selected, rows[traits.selected]];
    const drawn = { index, limit: traits._view.rows[index].passed[2], columns: [0, 0], rows: [], more: "" };
    if (error) return { ...drawn, said: "There is no batch: the call raises an error." };
    const [width, real] = [row.lengths, row.real].map((numbers) => Math.max(...numbers.slice(0, 8)));
    const end = width <= 24 ? width : Math.min(width, real + 4, 48);
    const draw = ({ ids, tokens, kinds }, i) => {
      const cells = ids.map((id, n) => [tokens[n], kinds[n], id]);
      cells.push(...Array(row.pads[i]).fill([words[pad], "pad", pad]));
      return { cells: cells.slice(0, end), before: "", tokens: ids.length, pads: row.pads[i], n_cut: row.cut[i],
        after: sayMore(ids.length - end, row.lengths[i] - Math.max(end, ids.length)),
        cut: cutTo(Infinity)[i].tokens.slice(ids.length - 1, -1).slice(0, 24) };
    };
    return { ...drawn, said: sayBatch(row), columns: [0, end], rows: cutTo(row.kept).slice(0, 8).map(draw),
      more: texts.length > 8 ? `… ${some(texts.length - 8, "more text")}` : "" };
  }
  function read() {
    [texts, encoded] = [traits.texts, new Map()];
    rows = rules.map(call);
  }
  function view() {
    const [signs, numbers] = [["error", "trap", "warning"], ["lengths", "pads", "cut"]];
    const said = rows.map((row, n) => ({ ...traits._view.rows[n],
      ...Object.fromEntries(numbers.map((name) => [name, sayNumbers(row[name])])),
      messages: Object.fromEntries(signs.filter((name) => row[name]).map((name) => [name, row[name]])),
      outcome: row.error ? "error" : row.trap ? "silent trap" : row.warning ? "warning" : "fine" }));
    return { ...traits._view, texts, rows: said, sizes: sizes(Infinity).slice(0, 8).map((n) => `${count(n)} tokens`) };
  }
  read();
  return {
    selected: async () => ({ _batch: batch() }),
    async texts() {
      const size = sum(traits.texts.map((text) => [...text].length));
      if (size > most) {
        throw new Error(`texts has ${count(size)} characters in all, and ${rules.length} calls would read them: `
          + `pass at most ${count(most)}.`);
      }
      read();
      return { error: "", _view: view(), _batch: batch() };
    },
  };
}
