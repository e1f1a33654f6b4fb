/** What a page without Python keeps in the browser: what was checked in a quiz. Python keeps it in a file. */

/** Whether `kept` is what may have been checked of `questions`: for each its checks, the places of answers. */
function fitsQuestions(kept, questions) {
  return Array.isArray(kept) && kept.length <= questions.length && kept.every((checks, i) => Array.isArray(checks)
    && checks.every((chosen) => Array.isArray(chosen) && chosen.length
      && chosen.every((n) => Number.isInteger(n) && n >= 0 && n < questions[i].answers.length)));
}

/** Let `model` begin with what this browser has kept of it, and keep what changes. */
export function keepChecks(model) {
  const name = `study-group:${model.get("_key")}`;
  try {
    const kept = JSON.parse(localStorage.getItem(name) ?? "null");
    if (fitsQuestions(kept, model.get("_questions"))) model.set("_checks", kept);
    model.on("change:_checks", () => {
      try { localStorage.setItem(name, JSON.stringify(model.get("_checks"))); } catch { model.set("_kept", ""); }
    });
    model.set("_kept", "Your answers are kept in this browser.");
  } catch { /* a browser that keeps nothing */ }
}
