/**
 * How subword tokenizers learn from a few words, a Map of each to its count, as tokenizing/steps.py and unigram.py do.
 * A play is how the words are split at `first`, and its steps: `candidates`, [pieces, numbers] with the best first, of
 * which `ties` are as good as the best; the `token` that comes of it, the `splits` after it, Unigram's `loss` before it.
 */
import { count as written } from "../parts/numbers.js";

const [LETTERS, SPACES] = ["\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}", "\\p{White_Space}"]; // the youngest letters aside
const [JOINED, POWERS] = [`${LETTERS}\\p{Join_Control}`, `${LETTERS}²³¹¼½¾`]; // as the library's two kinds of rules read \w
const WORDS = new RegExp(`[${JOINED}]+|[^${JOINED}${SPACES}]+`, "gu");
const PUNCTUATED = new RegExp(`'(?:s|t|re|ve|m|ll|d)(?![${POWERS}])|[${POWERS}]+|[^${POWERS}${SPACES}]`, "gu");
const CUTS = { Word: PUNCTUATED, Character: /[^]+/g, BPE: WORDS, WordPiece: WORDS, Unigram: /▁[^▁]*/g };
