/** Numbers as Python sends them. */

/** The bytes that Python wrote as base64. */
export function fromBase64(text) { return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)); }
