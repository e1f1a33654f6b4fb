/** The tour of MaskBench. @type {import("../parts/tour.js").TourStep[]} */
export const maskBenchTour = [
  {
    at: ".texts",
    title: "The texts",
    see: "Each line is a text. All of them go to the model together, as one batch.",
    try: "make one text longer than the others.",
    needs: ".texts textarea:read-write",
    shows: "a batch is a rectangle, as wide as its longest text. Shorter texts are filled up with pads.",
    keep: ".facts > div",
  },
  {
    at: ".board, .story",
    title: "The batch",
    see: "A row for each text, a column for each position. A cell has a token, its id, and its bit of the attention "
      + "mask.",
    try: "point at a cell, or walk with the arrow keys. The line below the batch reads it to you.",
    shows: "the model gets no letters. It gets two tables of numbers of this shape: input_ids and attention_mask.",
  },
  {
    at: ".facts > div",
    title: "What padding costs",
    see: "The shape of the batch: so many cells are tokens of your texts, so many are pads, so many bits are 0.",
    try: "add a text of one word with “+ Add a text”.",
    needs: ".add:enabled",
    shows: "a short text takes as many cells as the longest. Most of its row is padding.",
  },
  {
    at: ".row > .answers",
    title: "Two answers for each row",
    see: "“in batch” is what the model makes of the row as it stands here, “alone” of its text without the others. "
      + "|Δ| is how far they are apart.",
    try: "press “correct mask”.",
    shows: "a model that minds its mask answers both alike: “same as alone”. Padding changes nothing then.",
  },
  {
    at: ":scope:has(.legend .pad) :is(.presets, .note)",
    title: "The forgotten mask",
    see: "Masks to start from, and what the chosen one does.",
    try: "press “no mask”, read the verdicts beside or below the rows, then press “correct mask” again.",
    shows: "without a mask the model reads pads like words. No error tells you: rows with pads just get other numbers. "
      + "Rows without pads stay the same.",
    keep: ".row > .answers",
  },
  {
    at: ":scope:has(.legend .pad) .board",
    title: "One bit of a pad",
    see: "Hatched tokens are pads. With the correct mask their bits are 0: no token may attend to them.",
    try: "click a pad (scroll to one, if none is in sight), or go there with the arrow keys and press Space. Once more "
      + "puts it right.",
    shows: "“differs”: one wrong bit is enough in a model that reads in both directions, like BERT.",
  },
  {
    at: ".board",
    title: "Hide a word",
    see: "A token whose bit is 0 is struck out: the other tokens of its row don't see it.",
    try: "click a word that matters for the answer.",
    shows: "how much the answer needs that word. “label flipped”: without it the model says something else.",
  },
];
