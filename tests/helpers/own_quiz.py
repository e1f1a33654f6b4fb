"A quiz of a host's own, with a text that would like to act."

HOSTILE = "<img src=x onerror=window.hacked=1>"
WRITTEN = f"""
[[question]]
ask = "What does `[CLS]` do? {HOSTILE}"
[[question.answer]]
text = "It ends the text."
why = "That is `[SEP]`: `[CLS]` stands first."
[[question.answer]]
text = "It starts the text. {HOSTILE}"
right = true
why = "Its vector is what the head looks at. {HOSTILE}"
[[question.answer]]
text = "It stands for a word that isn't known."
why = "That is `[UNK]`."

[[question]]
ask = "What does a model get?"
[[question.answer]]
text = "ids"
right = true
why = "A number a token."
[[question.answer]]
text = "the text"
why = "The tokenizer takes that."
[[question.answer]]
text = "an attention mask"
right = true
why = "It tells tokens from pads."
"""
