/** What a page without Python keeps in the browser: checks of quizzes, evenings, a name. Python has a file for it. */
import { same } from "../study_widget.js";

const WHERE = "study-group:";

/** What is kept as `name`, where `fits(it)`, else null: others may write there, or the browser may keep nothing. */
function read(name, fits) {
  try {
    const kept = JSON.parse(localStorage.getItem(WHERE + name) ?? "null");
    return fits(kept) ? kept : null;
  } catch { return null; }
}

/** Keep `value` as `name`; undefined: nothing. Whether that could be done. */
function write(name, value) {
  try {
    if (value === undefined) localStorage.removeItem(WHERE + name);
    else localStorage.setItem(WHERE + name, JSON.stringify(value));
    return true;
  } catch { return false; }
}

/** Whether `kept` is what may have been checked of questions: for each its checks, the places of so many `answers`. */
function areChecks(kept, answers) {
  return Array.isArray(kept) && kept.length <= answers.length && kept.every((checks, i) => Array.isArray(checks)
    && checks.every((chosen) => Array.isArray(chosen) && chosen.length
      && chosen.every((n) => Number.isInteger(n) && n >= 0 && n < answers[i])));
}

/** Let a quiz's `model` begin with what this browser has kept of it, and keep what changes. */
export function keepChecks(model) {
  const [name, answers] = [model.get("_key"), model.get("_questions").map((question) => question.answers.length)];
  const kept = read(name, (found) => areChecks(found, answers));
  const say = (done) => model.set("_kept", done ? "Your answers are kept in this browser." : "");
  if (kept) model.set("_checks", kept);
  say(true);
  model.on("change:_checks", () => say(write(name, model.get("_checks"))));
}

/** What is kept of all, as a learner's file has it; `quizzes` tell of each session its quiz's key and questions. */
function allKept(quizzes) {
  const own = read("progress", (found) => typeof found?.name === "string" && Array.isArray(found.evenings));
  const sessions = quizzes.map(({ session }) => session);
  const file = { version: 1, name: own?.name ?? "", quizzes: {}, checks: {},
    evenings: sessions.filter((session) => own?.evenings.includes(session)) };
  for (const { session, key, questions } of quizzes) {
    const checks = read(key, (found) => areChecks(found, questions.map(({ answers }) => answers))) ?? [];
    const asked = questions.flatMap((question, i) => (checks[i]?.length ? [[question.key, [checks[i]]]] : []));
    if (asked.length) file.quizzes[session] = Object.fromEntries(asked);
  }
  return file;
}

/** What answers in Python's place for a progress with `traits`: it is in this browser. Exercises need Python. */
export function keptProgress(traits) {
  const quizzes = traits._quizzes;
  function show() {
    const file = allKept(quizzes);
    const isRight = (chosen, { right }) => same(chosen?.toSorted((a, b) => a - b), right);
    const rows = traits._rows.map((row, i) => {
      const { session, questions } = quizzes[i];
      const rounds = questions.map(({ key }) => file.quizzes[session]?.[key]?.[0] ?? []);
      const count = (at) => questions.filter((question, n) => isRight(rounds[n].at(at), question)).length;
      return { ...row, exercises: [0, 0], quiz: [count(-1), count(0), questions.length] };
    });
    return { _rows: rows, evenings: file.evenings, name: file.name, _file: JSON.stringify(file, null, 1) };
  }
  function change(values) {
    const { name, evenings } = allKept(quizzes);
    const done = write("progress", { name, evenings, ...values });
    const error = done ? "" : "This browser keeps nothing: allow it to, or open a window that isn't private.";
    return { ...show(), error };
  }
  return {
    begin: async () => show(),
    evenings: async (evenings) => change({ evenings }),
    name: async (name) => change({ name }),
    async ask(asked) {
      if (asked.delete) for (const name of ["progress", ...quizzes.map(({ key }) => key)]) write(name);
      return show();
    },
  };
}
