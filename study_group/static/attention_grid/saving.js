/** What a reader keeps: files. */
import { make, visible } from "../study_widget.js";
import { paintHeat, shortener } from "./heatmap.js";
import { inShort } from "./texts.js";

export function download(parts, type, name) {
  const href = URL.createObjectURL(new Blob(parts, { type }));
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}

/** The pen of a canvas of its own. */
function penOf(width, height, scale) {
  const pen = make("canvas", "", [], { width: width * scale, height: height * scale }).getContext("2d");
  pen.scale(scale, scale);
  return pen;
}

/** Download `picture` as PNG, with what it is above it and `caveat` below; `done()` hears of it. */
export function savePicture(picture, { mask, texts }, palette, at, caveat, done) {
  const { rows, columns, state: { layer, head, row, stage } } = picture;
  const most = Math.max(rows.length, columns.length, 1);
  const cell = most > 160 ? Math.max(2, 2400 / most) : most > 40 ? 14 : 22;
  const scale = most > 160 ? 1 : 2;
  const [left, top, above, below] = [picture.looks.widest(rows), picture.looked.widest(columns), 52, 44];
  const [width, height] = [Math.max(560, left + columns.length * cell + 12), top + rows.length * cell + 2];
  const [heat, pen] = [penOf(width, height, scale), penOf(width, height + above + below, scale)];
  paintHeat(heat, picture, { cell, left, top, x: 0, y: 0, width, height, scale }, palette, at);
  pen.fillStyle = palette.page;
  pen.fillRect(0, 0, width, height + above + below);
  pen.drawImage(heat.canvas, 0, above, width, height);
  const write = (text, y, font, colour) => {
    [pen.font, pen.fillStyle] = [`${font} system-ui, "Noto Sans", sans-serif`, colour];
    pen.fillText(shortener(pen, width - 24)(text), 12, y);
  };
  write(`Layer ${layer}, head ${head}: ${stage}, mask ${mask}`, 22, "600 15px", palette.ink);
  write(visible(inShort(texts[row])), 42, "12px", palette.quiet);
  const colour = stage === "softmax" ? "√ of the weight, full at 1"
    : `blue below 0, orange above, full at ±${picture.scale.toFixed(1)}`;
  write(`Each row looks at the columns. Colour: ${colour}.`, height + above + 18, "11px", palette.quiet);
  write(caveat, height + above + 35, "11px", palette.quiet);
  pen.canvas.toBlob((blob) => {
    download([blob], "image/png", `attention-${stage}-layer${layer}-head${head}.png`);
    done();
  });
}
