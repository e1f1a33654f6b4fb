/**
 * How the model's weights reach a page: as gzip in `weights-….js`, lines of studyWeights("…") with every byte as it is,
 * but for the few that a string can't hold. Over http that is fetched and unwrapped; from disk, where nothing may be
 * fetched, it runs as a script, in a charset that makes each byte one character. A saved page has them as base64.
 */
const [QUOTE, BACKSLASH] = ['"', "\\"].map((character) => character.charCodeAt(0));
const WRITTEN = { 110: 10, 114: 13 }; // \n and \r; behind any other backslash stands what is meant
const PART = 2 ** 20; // so much base64 at a time

/** The last byte of each character's code. @param {string} text */
function lastBytes(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** What stands between quotes in the file at `url`, as it arrives. @param {string} url */
async function* fetchedBytes(url) {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) throw new Error(`The model can't be fetched (${answer?.status ?? "no connection"}): ${url}`);
  let [inside, escaped] = [false, false];
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    let end = 0;
    for (let i = 0; i < value.length; i++) {
      const byte = value[i];
      if (escaped) value[end++] = WRITTEN[byte] ?? byte;
      else if (byte === QUOTE) inside = !inside;
      else if (inside && byte !== BACKSLASH) value[end++] = byte;
      escaped = !escaped && byte === BACKSLASH;
    }
    yield value.subarray(0, end);
  }
}

/** What the script at `url` says. @param {string} url */
async function* saidBytes(url) {
  const [node, parts] = [document.createElement("script"), /** @type {Uint8Array[]} */ ([])];
  node.addEventListener("part", (/** @type {CustomEvent} */ { detail }) => parts.push(lastBytes(detail)));
  const studyWeights = (detail) => document.currentScript.dispatchEvent(new CustomEvent("part", { detail }));
  await new Promise((end, fail) => {
    node.addEventListener("load", end);
    node.addEventListener("error", () => fail(new Error(`The model isn't where this page looks for it: ${url}`)));
    Object.assign(globalThis, { studyWeights });
    document.head.append(Object.assign(node, { src: url, charset: "x-user-defined" }));
  });
  node.remove();
  while (parts.length) yield parts.shift();
}

/** What the element called `id` has as base64. @param {string} id */
async function* inlineBytes(id) {
  const text = document.getElementById(id).textContent;
  for (let at = 0; at < text.length; at += PART) yield lastBytes(atob(text.slice(at, at + PART)));
}

/** The bytes of the model's file, from `url`, or out of the element called `inline`: as gzip they are `size`. `tell`
 * hears how far this is, of 1. @returns {Promise<ArrayBuffer>} */
export async function getWeights({ url = "", size, sha256, inline = "" }, tell = (/** @type {number} */ _part) => {}) {
  if (!globalThis.DecompressionStream) throw new Error("This browser is too old to unpack the model: update it.");
  const fromDisk = new URL(url, document.baseURI).protocol === "file:";
  const parts = inline ? inlineBytes(inline) : fromDisk ? saidBytes(url) : fetchedBytes(url);
  let [have, rested, failure] = [0, performance.now(), null];
  const packed = new ReadableStream({ async pull(control) {
    if (performance.now() > rested + 30) {
      await new Promise((go) => setTimeout(go)); // the page breathes
      rested = performance.now();
    }
    const { done, value } = await parts.next().catch((error) => { failure = error; throw error; });
    if (done) return control.close();
    have += value.length;
    tell(have / size);
    control.enqueue(value);
  } });
  const damaged = new Error("The model didn't arrive whole: load this page again.");
  const file = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer().catch((error) => {
    const why = failure ?? error; // a stream's reader hears of a failure, not of which
    if (why instanceof RangeError) throw new Error("The model needs more memory than is left: close other tabs, then "
      + "load this page again.");
    throw why.constructor === Error ? why : damaged;
  });
  const digest = await crypto.subtle?.digest("SHA-256", file) ?? new ArrayBuffer(0); // no https, no digest
  const sum = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (sum && sum !== sha256) throw damaged;
  return file;
}
