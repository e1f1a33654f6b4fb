/**
 * Quiz: a form for each question, with the reason of each answer that was chosen. What was checked is the only state;
 * it lies in the model, so that every view of it and a reloaded page show the same. No kernel is asked for anything.
 * A check is the places of the answers that were chosen; `several` answers of a question may be right.
 */
import { plural } from "./parts/numbers.js";
import { button, dress, make, same, study, tell } from "./study_widget.js";

/** `text`, in which `backticks` mean code. */
function phrase(text) { return text.split("`").map((part, n) => (n % 2 ? make("code", "", part) : part)); }

/** An answer to choose, and room for its reason. */
function answerRow({ text, right, why }, n, several) {
  const input = make("input", "", [], { type: several ? "checkbox" : "radio", name: "answer", value: n });
  const letter = make("span", "letter", `${String.fromCharCode(97 + n)} `);
  const reason = make("p", "why", [make("b", "", right ? "✓ Right. " : "✗ Not this one. "), ...phrase(why)]);
  const node = make("div", "answer", make("label", "", [input, letter, make("span", "text", phrase(text))]));
  function reveal(on) {
    if (on && !node.contains(reason)) node.append(reason);
    if (!on) reason.remove();
    node.classList.toggle(right ? "right" : "wrong", on);
  }
  return { node, input, reveal };
}

/** What is said of `check`, which is the `nth`. */
function verdictOf(answers, check, nth) {
  const wrong = check.filter((n) => !answers[n].right).length;
  const missing = answers.filter((a, n) => a.right && !check.includes(n)).length;
  if (!wrong && !missing) return nth === 1 ? "✓ Right at the first try." : `✓ Right, at try ${nth}.`;
  if (!wrong) return `✗ Not all yet: ${missing} more ${missing === 1 ? "is" : "are"} right.`;
  return "✗ Not yet: read why, and try again.";
}

function isRight({ answers }, check) { return answers.every(({ right }, n) => right === check?.includes(n)); }

/** A question. `checks()` are its checks so far, `check(chosen)` adds one. */
function questionForm(question, n, checks, check) {
  const { ask, answers, several } = question;
  const rows = answers.map((answer, i) => answerRow(answer, i, several));
  const [main, verdict] = [make("button", "", "Check"), make("p", "verdict", [], { role: "status" })];
  const legend = make("legend", "", [make("span", "number", `${n + 1}. `), make("span", "text", phrase(ask))]);
  if (several) legend.append(make("span", "hint", "Choose all that hold."));
  const list = make("div", "answers", rows.map(({ node }) => node), { "aria-live": "polite" });
  const node = make("form", "question", make("fieldset", "", [legend, list, make("div", "foot", [main, verdict])]),
    { tabindex: -1, autocomplete: "off" });
  let unfolded = false, drawn = null;

  function update() {
    const done = checks();
    const [last, held, right] = [done.at(-1), node.contains(document.activeElement), isRight(question, done.at(-1))];
    const seen = rows.map((_, i) => done.some((chosen) => chosen.includes(i)));
    unfolded &&= right;
    for (const [i, { reveal }] of rows.entries()) reveal(seen[i] || unfolded);
    main.ariaExpanded = right ? `${unfolded}` : null;
    if (same(done, drawn)) return;
    drawn = done;
    rows.forEach(({ input }, i) => { Object.assign(input, { checked: last?.includes(i) ?? false, disabled: right }); });
    tell(verdict, last ? verdictOf(answers, last, done.length) : "");
    node.classList.toggle("solved", right);
    tell(main, right ? "Why not the others?" : "Check");
    main.hidden = right && seen.every(Boolean);
    if (held && right) (main.hidden ? node : main).focus();
  }
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = rows.flatMap(({ input }, i) => (input.checked ? [i] : []));
    if (node.classList.contains("solved")) {
      unfolded = !unfolded;
      update();
    } else if (!chosen.length) tell(verdict, several ? "Choose one or more first." : "Choose an answer first.");
    else if (same(chosen, checks().at(-1))) tell(verdict, verdictOf(answers, chosen, checks().length));
    else check(chosen);
  });
  for (const type of ["change", "reset"]) node.addEventListener(type, () => tell(verdict, ""));
  return { node, update };
}

function draw({ model, root, set }) {
  const questions = model.get("_questions");
  const checks = (n) => model.get("_checks")[n] ?? [];
  const check = (n, chosen) => set("_checks", questions.map((_, i) => (i === n ? [...checks(i), chosen] : checks(i))));
  const forms = questions.map((q, n) => questionForm(q, n, () => checks(n), (chosen) => check(n, chosen)));
  const [tally, kept, n] = [make("p", "tally"), make("p", "kept"), questions.length];
  const again = button("Start over", () => {
    for (const { node } of forms) node.reset();
    set("_checks", []);
    forms[0].node.focus();
  });

  function update() {
    for (const form of forms) form.update();
    const right = questions.filter((question, i) => isRight(question, checks(i).at(-1)));
    const first = right.filter((question) => checks(questions.indexOf(question)).length === 1);
    const all = right.length === n && n > 1 ? `All ${n}` : `${right.length} of ${n}`;
    again.hidden = !questions.some((_, i) => checks(i).length);
    tell(kept, again.hidden && !model.get("_kept").startsWith("Not kept") ? "" : model.get("_kept"));
    tell(tally, again.hidden ? "" : `${all} right${right.length ? `, ${first.length} at the first try` : ""}.`);
  }
  const lead = `${plural(n, "question")}. Every answer has its reason; try as often as you like.`;
  dress(root, { role: "group", "aria-label": "Quiz" },
    [make("p", "lead", lead), ...forms.map(({ node }) => node), make("div", "end", [tally, again]), kept]);
  for (const name of ["_checks", "_kept"]) model.on(`change:${name}`, update);
  update();
  return () => { for (const name of ["_checks", "_kept"]) model.off(`change:${name}`, update); };
}

export default study("quiz", draw);
