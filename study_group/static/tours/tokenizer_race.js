/** The tour of TokenizerRace. @type {import("../parts/tour.js").TourStep[]} */
export const tokenizerRaceTour = [
  {
    at: ".board, .story",
    title: "One text, cut in many ways",
    see: "At the top the characters of the text, below them a lane for each tokenizer. A box is a token, and stands "
      + "under its characters.",
    try: "point at a token, or focus the lanes and use the arrow keys.",
    shows: "the line below says what the other tokenizers make of the same characters.",
  },
  {
    at: ".text",
    title: "Your text",
    see: "All tokenizers get this text.",
    try: "type a word that you have made up.",
    needs: ".text textarea:read-write",
    shows: "a word that no vocabulary has is spelled with shorter tokens, or becomes the unknown token.",
  },
  {
    at: ":is(.heads, .info)",
    title: "What it costs",
    see: "For each tokenizer: how many tokens the text takes, how many that is per word, the share of unknown tokens, "
      + "and the size of its vocabulary.",
    try: "find the lanes with the fewest and with the most tokens. The bars help.",
    shows: "fewer tokens are less work for the model. Often a larger vocabulary or unknown tokens are the price.",
  },
  {
    at: ":nth-child(1 of .lane:has(.unknown)) :nth-child(1 of .unknown)",
    title: "Unknown tokens",
    see: "Hatched: this tokenizer has no token for these characters.",
    try: "point at it, or go there with the arrow keys.",
    shows: "what stood there is lost. Whatever you wrote, the model gets the same token.",
    keep: ".story > :first-child",
  },
  {
    at: ".slider",
    title: "The size of the vocabulary",
    see: "The tokenizers are trained here, all on the same texts, each to a vocabulary of at most this size.",
    try: "move the slider to its left end, then to its right end.",
    shows: "with a larger vocabulary BPE never needs more tokens for a text, and Word never knows fewer words.",
    keep: ".info",
  },
  {
    at: ".panels .panel:first-child",
    title: "Tokens per word",
    see: "A line for each tokenizer, on texts that none was trained on. The upright line is the size you have chosen.",
    try: "click into the picture: the slider goes to the nearest size.",
    shows: "BPE, WordPiece and Unigram need ever fewer tokens. At the left that goes fast, at the right slowly.",
  },
  {
    at: ".panels .panel:last-child",
    title: "Unknown tokens on new texts",
    see: "The share of unknown tokens on the same texts.",
    try: "find the line that is far above all others.",
    shows: "it is Word, at every size. Who has tokens for parts of words can spell almost everything.",
  },
];
