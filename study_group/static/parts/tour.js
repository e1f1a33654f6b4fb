/**
 * A tour of a widget: a card goes from part to part and says what is seen there, one thing to try, and what that shows.
 * It begins when its button is pressed, and can be left at any time; meanwhile all of the widget can be used. A step is
 * about what `at` finds, one part or some that belong together; where it finds nothing, the step is skipped. `needs`
 * finds what it takes to try it, or that isn't asked for; `keep` finds what the card shouldn't cover.
 * @typedef {Record<"at" | "title" | "see" | "try" | "shows", string> & { needs?: string, keep?: string }} TourStep
 */
import { button, dress, groupName, inside, make, tell } from "../study_widget.js";
import { moveOf, within } from "./grid.js";

const [TOUR_GAP, TOUR_EDGE] = [12, 8]; // pixels between part and card, and between them and the widget's edges

const tourParts = (root, selector) => [...root.querySelectorAll(selector)].filter((node) => node.checkVisibility());

/** Around what `selector` finds in `root`, as much of it as scrolling leaves in sight; null where that is nothing. */
function tourFrame(root, selector) {
  const [parts, home] = [tourParts(root, selector), root.getBoundingClientRect()];
  const join = (a, b, near, far) => ({ left: near(a.left, b.left), top: near(a.top, b.top),
    right: far(a.right, b.right), bottom: far(a.bottom, b.bottom) });
  if (!parts.length) return null;
  let box = parts.map((part) => part.getBoundingClientRect()).reduce((a, b) => join(a, b, Math.min, Math.max));
  for (let at = parts[0].parentElement; at !== root; at = at.parentElement) {
    if (getComputedStyle(at).overflow !== "visible") box = join(box, at.getBoundingClientRect(), Math.max, Math.min);
  }
  const { left, top, right, bottom } = box;
  return left < right && top < bottom ? new DOMRect(left - home.x, top - home.y, right - left, bottom - top) : null;
}

/** Where in `room` pixels a card `wide` × `tall` stands: beside `box`, or below it; clear of `keep` if it can. */
function tourSpot(box, keep, room, wide, tall) {
  const [most, y, below] = [room - TOUR_EDGE - wide, Math.max(0, box.top), box.bottom + TOUR_GAP];
  const under = [Math.max(TOUR_EDGE, Math.min(box.left, most)), below];
  const spots = [[box.right + TOUR_GAP, y], [box.left - TOUR_GAP - wide, y], under, [most, below], [TOUR_EDGE, below]];
  const clear = (x, y) => !keep || x > keep.right || x + wide < keep.left || y > keep.bottom || y + tall < keep.top;
  return spots.find(([x, y]) => x >= TOUR_EDGE && x <= most && clear(x, y)) ?? under;
}

/** `draw` with a button below its picture that takes the reader through `steps`. @param {TourStep[]} steps */
export function toured(draw, steps) {
  return (stage) => {
    const [{ root }, cleanup, ring, id] = [stage, draw(stage), make("div", "tour-ring"), groupName()];
    const opener = button("Take the tour", open, { class: "tour", "aria-haspopup": "dialog" });
    const [back, next] = [button("← Back", () => go(-1)), button("", () => (isLast() ? leave() : go(1)))];
    const text = make("div", "", [], { id: `${id}-text`, "aria-live": "polite" });
    const card = make("div", "tour-card", [text, make("div", "ways", [back, next, button("Leave", leave)])],
      { role: "dialog", "aria-labelledby": id, "aria-describedby": `${id}-text` });
    let step = null, frame = 0;
    const there = () => steps.filter((one) => one === step || tourParts(root, one.at).length);
    const isLast = () => there().at(-1) === step;
    const close = () => { cancelAnimationFrame(frame); ring.remove(); card.remove(); root.style.minHeight = ""; };
    /** Put ring and card where the part is, now and in each frame to come. */
    function put() {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(put);
      const [box, room, tall] = [tourFrame(root, step.at), root.clientWidth, card.offsetHeight];
      inside(text, ".ask").hidden = step.needs !== undefined && !inside(root, step.needs);
      ring.hidden = !box;
      if (!box) return;
      const [x, y] = tourSpot(box, step.keep && tourFrame(root, step.keep), room, card.offsetWidth, tall);
      ring.style.inset = `${box.top - 4}px ${Math.max(0, room - box.right - 4)}px auto ${Math.max(0, box.left - 4)}px`;
      ring.style.height = `${box.height + 8}px`;
      card.style.inset = `${y}px auto auto ${x}px`;
      root.style.minHeight = `${y + tall + TOUR_EDGE}px`; // so that the card doesn't stand out of it
    }
    function go(by) {
      step = there()[within(there().indexOf(step) + by, there().length)];
      const [all, n] = [there().length, there().indexOf(step) + 1];
      text.replaceChildren(make("small", "", `${n} of ${all}`), make("b", "title", step.title, { id }),
        make("p", "", step.see), make("p", "ask", [make("b", "", "Try: "), step.try]),
        make("p", "", [make("b", "", "What it shows: "), step.shows]));
      tell(next, isLast() ? "Done" : "Next →");
      dress(back, { "aria-disabled": n === 1 });
      tourParts(root, step.at)[0]?.scrollIntoView({ block: "nearest", inline: "nearest" });
      put();
      card.scrollIntoView({ block: "nearest" });
    }
    function open() { root.append(ring, card); go(0); next.focus({ preventScroll: true }); }
    function leave() { close(); step = null; opener.focus(); }
    card.addEventListener("keydown", (event) => {
      const by = moveOf(event)?.[1];
      if (by || event.key === "Escape") event.preventDefault();
      if (by) go(by); else if (event.key === "Escape") leave();
    });
    root.append(opener);
    return () => { close(); cleanup?.(); };
  };
}
