/** The tour of AttentionGrid. @type {import("../parts/tour.js").TourStep[]} */
export const attentionGridTour = [
  {
    at: ".overview",
    title: "All heads",
    see: "A small picture for each head of the model: a row for each layer, a column for each head.",
    try: "click one, or walk over them with the arrow keys.",
    shows: "it opens large, with its layer and its number above. Each head looks at the text in its own way.",
    keep: ".open",
  },
  {
    at: ".heat",
    title: "One head",
    see: "A row is a token that looks, a column a token that it looks at. A stronger colour is a larger number.",
    try: "point at a cell, or walk with the arrow keys. Its number stands above, the largest of its row in a list.",
    shows: "at the stage “softmax” the weights of a row sum to 1: each token has the same amount of attention to give.",
    keep: ".overview",
  },
  {
    at: ".lines",
    title: "The same head as lines",
    see: "Left the tokens that look, right those that are looked at. A thicker line is more weight.",
    try: "point at a token.",
    shows: "only its own lines are left: solid ones start at it, dashed ones end at it.",
  },
  {
    at: '[aria-label="Stage"]',
    title: "Three stages",
    see: "How weights are made: first scores, then the mask, then the softmax.",
    try: "press “scores”, “scores + mask” and “softmax”, one after the other.",
    needs: '[aria-label="Stage"] [data-name="scores"]:enabled',
    shows: "scores are any numbers, also below 0. The softmax makes of each row weights from 0 to 1; what the mask "
      + "forbids gets 0.",
    keep: ".heat",
  },
  {
    at: '[aria-label="Mask"]',
    title: "Who may look at whom",
    see: "The mask tells which tokens may be looked at. What it forbids is struck out.",
    try: "press “causal”, and later “padding” again.",
    needs: '[aria-label="Mask"] [data-name="causal"]:enabled',
    shows: "with the mask “causal” nobody looks at later tokens: the upper right half is empty. Models that write "
      + "text work like that.",
    keep: ".heat",
  },
  {
    at: '[aria-label="Show"] .tick:first-of-type',
    title: "Without special tokens",
    see: "The special tokens can be left out of the picture.",
    try: "untick them, and point at a cell.",
    shows: "the weights stay as they were. What is left of a row sums to less than 1: the rest goes to special tokens.",
    keep: ".heat",
  },
  {
    at: ".caveat",
    title: "What attention doesn't tell",
    see: "Attention shows where a head looks, not what the answer hangs on.",
    try: "click a cell, then open other heads: each has its own list of what the token of that row looks at.",
    shows: "no head alone tells what the model thinks. Change the text and watch the answer to learn what matters.",
  },
];
