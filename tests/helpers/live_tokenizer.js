// Stands behind static/live/tokenizer.js in Node: what it makes of one file's texts goes to another, equal rows once.
import { readFileSync, writeFileSync } from "node:fs";

const [from, to] = process.argv.slice(2);
const { words, texts, options, more } = JSON.parse(readFileSync(from, "utf8"));
const [tokenizer, rows] = [wordPiece(words), new Map()];
const which = texts.map((text) => {
  const { pieces, ...row } = tokenizer.encode(text, options);
  const key = JSON.stringify(more ? { ...row, pieces, tokenize: tokenizer.pieces(text) } : row);
  if (!rows.has(key)) rows.set(key, rows.size);
  return rows.get(key);
});
const { special } = tokenizer;
writeFileSync(to, `{"special": ${JSON.stringify(special)}, "rows": [${[...rows.keys()]}], "which": [${which}]}`);
