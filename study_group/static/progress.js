/**
 * Progress: a line for each session, with its evening to tick, and how many exercises and questions are right; the file
 * behind it to look into, to copy and to delete. What is kept lies in Python; here are only the table and the buttons.
 */
import { button, dress, field, make, study, teller, tell } from "./study_widget.js";

/** A bar, `done` of `of` long, and the numbers. */
function share(done, of) {
  if (!of) return make("td", "share", "–");
  const bar = make("span", "bar", make("span", "", [], { style: `width:${100 * done / of}%` }));
  return make("td", "share", [bar, make("span", "of", `${done} of ${of}`)]);
}

function line({ session, title, exercises, quiz }, ticked, tick) {
  const box = field("checkbox", () => tick(session, box.checked), { "aria-label": `Evening done: ${title}` });
  box.checked = ticked;
  box.dataset.python = "evenings";
  return make("tr", "", [make("th", "", title, { scope: "row" }), make("td", "", box), share(...exercises),
    share(quiz[0], quiz[2])]);
}

/** The buttons below: look into the file, save a copy, delete it after a second question, read it again. */
function drawers(model) {
  const text = make("pre", "file", [], { tabindex: 0, "aria-label": "progress.json", hidden: "" });
  const look = button("Look into the file", () => {
    text.hidden = !text.hidden;
    look.ariaExpanded = `${!text.hidden}`;
  }, { "aria-expanded": "false" });
  const copy = button("Save a copy", () => {
    const url = URL.createObjectURL(new Blob([model.get("_file")], { type: "application/json" }));
    make("a", "", [], { href: url, download: "progress.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
  const sure = make("span", "sure", [], { hidden: "", role: "group", "aria-label": "Delete all?" });
  const ask = button("Delete…", () => { [sure.hidden, ask.hidden] = [false, true]; yes.focus(); });
  const done = () => { [sure.hidden, ask.hidden] = [true, false]; ask.focus(); };
  const yes = button("Delete all of it", () => { model.send({ delete: true }); done(); });
  sure.append("Nothing brings it back. ", yes, " ", button("Keep it", done));
  const again = button("Read it again", () => model.send({ read: true }));
  for (const node of [yes, again]) node.dataset.python = "ask";
  return { text, row: make("div", "buttons", [look, copy, again, ask, sure]) };
}

function draw({ model, root, set }) {
  const [table, alarm, { text, row }] = [make("tbody"), teller("alert"), drawers(model)];
  const name = make("input", "name", [], { type: "text", maxlength: 200, "data-python": "name",
    placeholder: "only if your host may see it" });
  name.addEventListener("change", () => set("name", name.value));
  const head = ["session", "evening", "exercises", "quiz"].map((word) => make("th", "", word, { scope: "col" }));
  dress(root, { role: "group", "aria-label": "Your progress" }, [
    make("div", "wide", make("table", "", [make("thead", "", make("tr", "", head)), table])), alarm,
    make("label", "called", ["your name ", name]), row, text]);
  function tick(session, on) {
    set("evenings", [...model.get("evenings").filter((other) => other !== session), ...(on ? [session] : [])]);
  }
  function update() {
    table.replaceChildren(...model.get("_rows").map((found) => line(found,
      model.get("evenings").includes(found.session), tick)));
    if (name !== document.activeElement) name.value = model.get("name");
    tell(alarm, model.get("error"));
    tell(text, model.get("_file") || "Nothing is kept here.");
  }
  const traits = ["_rows", "evenings", "name", "error", "_file"].map((trait) => `change:${trait}`);
  for (const trait of traits) model.on(trait, update);
  update();
  return () => { for (const trait of traits) model.off(trait, update); };
}

export default study("progress", draw);
