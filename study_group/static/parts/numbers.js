/** Numbers: as Python sends them, and as people read them. */

/** The bytes that Python wrote as base64. */
export function fromBase64(text) { return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)); }

/** The bytes of `view`, and no more of what they lie in. @param {DataView} view */
export function bytesOf({ buffer, byteOffset, byteLength }) { return new Uint8Array(buffer, byteOffset, byteLength); }

/** The 32-bit whole numbers of `view`, which may begin anywhere. @param {DataView} view */
export function int32(view) { return new Int32Array(bytesOf(view).slice().buffer); }

/** A whole number as people write it: 1,234. */
export function count(number) { return number.toLocaleString("en"); }

/** How many there are of what is called `word`: 1 text, 1,234 texts. */
export function plural(n, word) { return `${count(n)} ${word}${n === 1 ? "" : "s"}`; }

/** A number with a real minus sign; with three `digits` or more never 0 where it isn't. @param {?number} value */
export function say(value, digits = 4) {
  if (value === null || Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const size = Math.abs(value);
  const small = digits > 2 && size > 0 && size < 0.5 * 10 ** -digits;
  const large = size >= 1000;
  const text = small ? value.toExponential(1) : large ? value.toPrecision(Math.max(4, digits)) : value.toFixed(digits);
  return text.replaceAll("-", "−");
}

/** A part of 1: 12.3 %. */
export function percent(part, digits = part < 0.001 ? 2 : 1) {
  return `${(100 * part).toFixed(part % 1 ? digits : 0)} %`;
}
