"""The one corpus of nasty texts. Whatever takes a text gives a right answer or a documented error for each of them."""
import random

NASTY = {
    "empty": "", "blank": " \t\n  ",
    "html": """<img src=x onerror="window.pwned=1"><svg onload=window.pwned=1><b onclick=window.pwned=1>bold</b>""",
    "script": """</script><script>window.pwned=1</script><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>""",
    "attribute": """" autofocus onfocus="window.pwned=1" ' onmouseover='window.pwned=1' ` onclick=`window.pwned=1` >""",
    "closing": "</td></table></div></textarea></title></style>--><!-- ]]> <plaintext> &lt;b&gt; &amp;#60; &#x3C;i>",
    "url": "javascript:window.pwned=1 [x](javascript:window.pwned=1) data:text/html,<script>parent.pwned=1</script>",
    "template": "${window.pwned=1} {{7*7}} {0} {text!r} %s %(x)d $HOME `id` $x^2$ \\frac{1}{2} \\n \\u003c \\",
    "sql": "'; DROP TABLE texts; -- \" OR \"\"=\"",
    "path": "../../../etc/passwd C:\\nul | ; & > /dev/null",
    "control": "".join(map(chr, [*range(1, 32), *range(127, 160)])),
    "nul": "a\0b\0", "ansi": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x9b1m",
    "lines": "a\nb\r\nc\rd\ve\ff\x85g\u2028h\u2029i",
    "half": "half a smiley: \ud83d", "other half": "\udc00\ud800 turned round",
    "zero width": "a\u200bb\u200c\u200d\u2060\ufeffc\xad", "override": "\u202egnp.\u202c \u2066\u2067x\u2069 مرحبا",
    "marks": "e" + "\u0301\u0323"*99, "family": "👩\u200d👩\u200d👧\u200d👦 👍🏽 🇩🇪 🏴\U000e0067\U000e0062\U000e007f",
    "special": "[CLS] [SEP] [PAD] [MASK] [UNK] ##ing <0xE2> ▁ Ġ <|endoftext|>",
    "planes": "".join(chr(plane*65536 + n) for plane in range(17) for n in (33, 0x4e00, 0xfffd, 0xfffe, 0xffff)),
    "line": "x"*2**20, "mixed line": "".join(random.Random(0).choices("abcdefghijklmnopqrstuvwxyz+/=", k=2**20)),
    "words": " ".join(f"word{n}" for n in range(100_000)),
}
FINE = "A fine film."
HALVES = "half", "other half"  # no UTF-8, so no tokenizer can read them
LONG = "line", "mixed line", "words"  # a megabyte each
SHORT = [name for name in NASTY if name not in (*HALVES, *LONG)]
