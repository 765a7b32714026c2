"""Texts that somebody would write to get out of a comment, a string, a cell or a tag, and what is left
of a program when its comments and strings are taken away."""

from __future__ import annotations

import re

from hypothesis import strategies as st

SIGNS = (
    "*/", "/*", "//", "\\", "\\\\", "\\ ", "??/", "??", "'", '"', "`", "```", "$", "$$", "${x}", "$name",
    "$unit", "%", "%s", "{", "}", "{{", "}}", "{%", "<", ">", "</", "</script>", "</comment>", "<!--",
    "-->", "]]>", "<![CDATA[", "&", "&lt;", "#", "|", "[", "]", "[/]", "[red]", ":fire:", "](x)", "*",
    "_", "~", "=", "=cmd|", "@", "+", "-", "^", "$x^$", ",", ";", "(", ")", "!", "a", "x y", "é", "左",
    "\U0001f469", "µ", "\u00a0", "\u3000", "#0072b2", 'id="', "url(#", "0", ".", "..", "/", "\t", " ",
)  # fmt: skip
"""Signs of every language that text goes into."""
UNSEEN = (
    "\n", "\r", "\x0b", "\x0c", "\x1b", "\x1b[31m", "\x1b]0;x\x07", "\x85", "\x9b", "\u2028", "\u2029",
    "\u202e", "\u2066", "\ufeff", "\ud800", "\udcff", "\udc0a", "\x08", "\x7f", "\x00",
)  # fmt: skip
"""What no printable line has, and a path or a forged file may."""

NAMES = (
    st.lists(st.one_of(st.sampled_from([s for s in SIGNS if s != "\t"]), st.characters(codec="utf-8")),
             min_size=1, max_size=8)
    .map("".join)
)  # fmt: skip
ANYTHING = st.lists(
    st.one_of(st.sampled_from(SIGNS + UNSEEN), st.characters()), min_size=1, max_size=8
).map("".join)

TRICKS = (
    "mm */ __attribute__((constructor)) void f(void) { } /*", "mm\n__attribute__((constructor)) int x; //",
    "mm *\\\n/ int x; /*", "mm *??/\n/ int x; /*", "mm\u2028process.exit(7) //", "mm \\", "mm ??/",
    '", "x', "\\", '\\"', "</script><script>", "<b>", '"><b>', "&lt;", "a | b", "\\| b", "`x`", "*x*",
    "[x](javascript:1)", "[red]stop", "[/] end", ":fire:", "\x1b[31mred", "=cmd|x", "a\nb", "\u202eabc",
    "]]>", "\udcff",
)  # fmt: skip
"""One of them is caught by every check below once its escape is taken away."""

SPLICE = re.compile(r"\\[ \t\v\f]*\n")
TRIGRAPHS = {
    "=": "#", "/": "\\", "'": "^", "(": "[", ")": "]", "!": "|", "<": "{", ">": "}", "-": "~",
}  # fmt: skip
TOKENS = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*) | (?P<string>"(?:\\.|[^"\\\n])*") | (?P<char>'(?:\\.|[^'\\\n])*')
    | (?P<open>/\*|"|') | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def c_code(text: str, trigraphs: bool = False) -> str:
    """C with comments as a blank and strings as "": what a compiler would carry out."""
    if trigraphs:
        text = re.sub(r"\?\?([=/'()!<>-])", lambda sign: TRIGRAPHS[sign[1]], text)
    kept = []
    for token in TOKENS.finditer(SPLICE.sub("", text)):
        if token.lastgroup == "open":
            return "never closed"
        kept.append({"comment": " ", "string": '""'}.get(token.lastgroup, token[0]))
    return " ".join("".join(kept).split())


ENDS = re.compile("[\n\r\u2028\u2029]")


def js_code(text: str) -> str:
    """JavaScript without comments, strings as "", template strings as they are."""
    text = ENDS.sub("\n", text)
    kept = []
    for token in TOKENS.finditer(text):
        if token.lastgroup == "open":
            return "never closed"
        kept.append({"comment": " ", "string": '""'}.get(token.lastgroup, token[0]))
    return " ".join("".join(kept).split())
