/** The tour of PipelineStrip. @type {import("../parts/tour.js").TourStep[]} */
export const pipelineStripTour = [
  {
    at: ".texts",
    title: "Texts and answers",
    see: "Each line is a text and its answer: the best label, and the score of that label.",
    try: "change a text, and watch its answer.",
    needs: ".texts textarea:read-write",
    shows: "this is all that a pipeline gives back. What stands below is the way of the marked text to its answer.",
  },
  {
    at: ".tokens .token",
    title: "Tokens",
    see: "The tokenizer cuts the text into tokens, one a line.",
    try: "point at a line. What it is made from is told beside the table or below it.",
    shows: "a token stands for a word, a part of a word or a sign. The tokenizer may add tokens that stand for nothing "
      + "in your text.",
    keep: ".story",
  },
  {
    at: ".tokens :is(.id, .mask)",
    title: "Numbers for the model",
    see: "For each token an id, its place in the vocabulary, and a mask: 1 means “read this”, 0 “this is padding”.",
    try: "click another text above.",
    needs: ".text:nth-child(2)",
    shows: "the model gets these numbers, never letters. The same token has the same id in every text.",
  },
  {
    at: ".tokens .vector",
    title: "Vectors",
    see: "Each line is a vector: blue numbers are below 0, orange ones above. First as the embeddings give it, then as "
      + "it is after the layer that you choose.",
    try: "move the slider to 0, then layer by layer to the right.",
    shows: "after layer 0 both pictures are the same: nothing has happened yet. Then each layer changes every vector.",
  },
  {
    at: ".tokens",
    title: "One token all the way",
    see: "A line is one token, from its characters to its vectors.",
    try: "click a line, or walk with ↑ and ↓: the other vectors fade. Click it again to let it go.",
    shows: "a token keeps its line through all layers. However deep the model is, it has one vector for each token.",
  },
  {
    at: ".tokens tbody .read:not(:empty)",
    title: "What the head reads",
    see: "An arrow leads to the head, the part of the model that answers. It reads the lines with an arrow, and only "
      + "after the last layer.",
    try: "move the slider to an earlier layer. The arrow fades: the head doesn't read there.",
    shows: "all that the answer needs must be in these vectors at the end.",
    keep: ".layer",
  },
  {
    at: ".labels",
    title: "Logits, and what becomes of them",
    see: "For each label its logit, which can be any number, and beside it what the last step makes of that.",
    try: "move the slider of the layers. Nothing changes here.",
    shows: "the head has read the last layer only. And the last step keeps the order: the largest logit gives the "
      + "largest value.",
    keep: ".layer",
  },
  {
    at: ".verdict",
    title: "The answer",
    see: "The best label and its score, as in the line of the text.",
    try: "turn the meaning of your text round, for example with “not”. Does the model notice?",
    needs: ".texts textarea:read-write",
    shows: "a high score says that the model is sure, not that it is right.",
  },
];
