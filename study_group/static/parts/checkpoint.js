/** A field for another checkpoint, by hub name or folder: Enter sends it to Python, which has the trait and `error`. */
import { dress, make } from "../study_widget.js";

/** `shown()` gives the checkpoint whose answers are shown; `loading()` tells whether another is on its way. */
export function checkpointField({ model, put }, shown) {
  const input = make("input", "", [], { type: "text", "data-python": "checkpoint", spellcheck: "false",
    autocapitalize: "off", placeholder: "a hub name, or a folder" });
  const node = make("label", "checkpoint", ["checkpoint", input],
    { title: "Enter loads it. Empty: the model that this was made with, or the bundled one." });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || input.readOnly) return;
    event.preventDefault();
    put({ checkpoint: input.value.trim(), error: "" });
  });
  /** What failed stays, to be mended, as long as that is said. */
  function show() {
    const [loaded, error] = [model.get("checkpoint"), model.get("error")];
    if (!error && document.activeElement !== input) input.value = loaded;
    dress(input, { "aria-invalid": error !== "" && input.value.trim() !== loaded });
  }
  for (const name of ["checkpoint", "error"]) model.on(`change:${name}`, show);
  show();
  return { node, loading: () => !model.get("error") && model.get("checkpoint") !== shown() };
}
