"""The words of a transcript made comparable: lower case, no punctuation, no fillers. Commas stay, as words, until the split."""

from __future__ import annotations

import re
import unicodedata

_IF_POSSIBLE = r"(?:if|when) (?:you can|you could|you don't mind|possible|you have time|you get a chance|you're ready)"
"""A condition that is none."""

LEADING = (
    "(?:(?:hey|hi|ok|okay) )?(?:alexa|siri|google|cortana|jarvis|nabu|olly|ai)|"
    "good ?night|good ?morning|good ?evening|good ?bye|"
    "please|kindly|hey|hi|hello|ok|okay|um+|uh+|er+|hm+|ah|oh|well|so|and|now|alright|all right|just|quickly|"
    "would you mind|do you mind|(?:could|can|would|will) (?:you|u|we)|you could|you can|can i ask you to|"
    "i want you to|i need you to|i'd like you to|i would like you to|i want to|i'd like to|i would like to|i wanna|i need to|"
    "i'd like|i would like|i want|"
    "go ahead and|let's|let us|maybe|actually|sorry|assistant|computer|try to|go and|quickly|"
    "do me a favor and|be so kind and|be so kind as to|i think you should|you should|you need to|make sure to|make sure you|"
    "don't forget to|remember to|"
    rf"{_IF_POSSIBLE}|"
    "why don't you|why don't we|do you think you could|is it possible to|help me|yes please|thanks"
)
"""What people say before the request; also what they call other assistants ("olly" is SLURP's)."""

_BECAUSE = (
    "(?:it's|it is|its|this is|that's|i'm|i am|we're|we are)"
    "(?: (?:getting|so|too|very|really|quite|pretty|rather|much|way|a bit|a little))*"
    " (?:dark|dim|gloomy|bright|hot|warm|cold|cool|chilly|freezing|boiling|stuffy|loud|noisy|quiet|late|tired)"
    "(?: (?:(?:in )?here|in this room|outside|now|already|tonight))*"
)
_ASKED = (
    "(?:please |(?:could|can|would|will) (?:you|u) )*"
    "(?:turn|switch|open|close|shut|lock|dim|brighten|set|put|make|start|stop|lower|raise|pause|mute)\\b"
)

TRAILING = (
    "please|for me|thanks|thank you|thank you very much|now|right now|right away|immediately|at once|would you|will you|"
    "could you|can you|um+|uh+|okay|ok|assistant|computer|real quick|"
    rf"{_IF_POSSIBLE}|if you (?:want|like)|"
    "quickly|as well|too|again please|first|already|instead|straight away|asap|all right|alright|mate|dear|buddy|kindly"
)
"""What people say after it."""

ANYWHERE = r"um+|uh+|erm+|er|please|kindly"
"""What carries no meaning wherever it stands."""

CONFUSIONS = (
    (re.compile(r"^(?:tern|turned|turning|turns|torn|turd|churn) (on|off|up|down|the|my)\b"), r"turn \1"),
    (re.compile(r"^(turn|switch) of (?=the|my|our|all|every|it|them|that)"), r"\1 off "),
    (re.compile(r"^(turn|switch) (.+) of$"), r"\1 \2 off"),
    (re.compile(r"^turn (?:own|onto|an|ond) (?=the|my|our|all)"), "turn on "),
    (re.compile(r"^turn (.+) (?:own|an)$"), r"turn \1 on"),
    (re.compile(r"^(?:said|sat|sit|sets|send|seth) (the|a|an|my|timer|alarm)\b"), r"set \1"),
    (re.compile(r"^(?:clothes|clothe|closed|closing|closes) (?=the|my)"), "close "),
    (re.compile(r"^(?:opened|opening|opens) (?=the|my)"), "open "),
    (re.compile(r"^(?:locked|locking|locks|look|luck) (?=the front|the back|the door)"), "lock "),
    (re.compile(r"^(turn|switch|open|lock|unlock|start|lower|brighten|mute|clean|vacuum)ing\b"), r"\1"),
    (re.compile(r"^(clos|rais|paus|mak|chang)ing\b"), r"\1e"),
    (re.compile(r"^(dim|set|put|stop|shut)[mtp]ing\b"), r"\1"),
    (re.compile(r"^(?:bump|crank|pump) (?=up|down|the|that|your|it)"), "turn "),
    (re.compile(r"\btime are for\b"), "timer for"),
    (re.compile(r"^don't let me forget to "), "remind me to "),
    (
        re.compile(
            r"^(?:check|tell me|let me know|i wonder|do you know|are you sure) (?:that |if |whether )?(the .+?) (is|are) "
        ),
        r"\2 \1 ",
    ),
    (re.compile(r"^(?:tell me|let me know|do you know) (?=what (?:[a-z]+ )?(?:is|are) (?:it|there|on)\b)"), ""),
    (re.compile(r"\bt\.? ?v\b"), "tv"),
)
"""What speech recognisers write for command words: sound-alikes and wrong tenses of verbs that open a command; and what people
say after "would you mind"."""


def clean(text: str) -> str:
    """Lower case, without punctuation; ", " and full stops inside become the word ",". 40% -> "40 percent", p.m. -> pm."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("`", "'")
    text = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", text)
    text = re.sub(r"\b([ap]) m\b", r"\1m", text)
    text = re.sub(r"(\d)\s*%", r"\1 percent", text)
    text = re.sub(r"(\d)\s*°\s*[cf]?\b|(\d)\s*°", lambda match: f"{match[1] or match[2]} degrees", text)
    text = re.sub(r"(\d)(am|pm)\b", r"\1 \2", text)
    text = re.sub(r"(\d)[.h](\d\d)(?= ?(?:am|pm|o'clock))", r"\1:\2", text)
    text = text.replace("o clock", "o'clock").replace("per cent", "percent").replace("colour", "color")
    text = re.sub(r"(?<=[a-z0-9])[-–—_/](?=[a-z0-9])", " ", text)
    text = re.sub(r"[.,;!?]+(?=\s)", " , ", text)
    text = re.sub(r"[^a-z0-9à-öø-ÿ'.,:+ ]|(?<!\d)[.:]|[.:](?!\d)|[,](?! )", " ", text)
    words = text.split()
    while words and words[-1] == ",":
        words.pop()
    while words and words[0] == ",":
        words.pop(0)
    return " ".join(words)


_WISH = (
    r"^(?:(?:please|so|and|hey|ok|okay|well|now) )*(?:i want|i'd like|i would like|i need)(?: to have)? "
    r"(?P<what>(?:the|that|my|your|all) .+) "
)
_WISHES = (
    (re.compile(rf"{_WISH}(?:turned|switched|bumped|cranked) (?P<way>on|off|up|down)\b"), r"turn \g<what> \g<way>"),
    (re.compile(rf"{_WISH}(?P<verb>open|close|lock|unlock)(?:e?d)?\b"), r"\g<verb> \g<what>"),
)
"""What is wanted as done: "i want the door locked". Not without "i want": "is" may not have been heard."""

_LEADING = re.compile(rf"^(?:(?:{LEADING})(?: ,)? )+")
_REASON = re.compile(rf"^{_BECAUSE}(?: ,| so| and)* (?={_ASKED})")
"""Why something is asked for, said before it: "it's getting dark, can you turn on the light"."""

_REASON_BEHIND = re.compile(
    rf"^(?P<asked>{_ASKED} .+?)(?<! if)(?<! when)(?<! while)(?<! until)(?<! unless)(?<! so)(?<! and)(?<! that)(?: ,)?"
    rf"(?: (?:because|cause|since|as))? {_BECAUSE}$"
)
"""The same said behind it; not behind "if", which would be a condition."""

_TRAILING = re.compile(rf"(?: (?:, )?(?:{TRAILING}))+$")
_ANYWHERE = re.compile(rf"(?<!\S)(?:{ANYWHERE})(?!\S)")


def without_fillers(text: str) -> str:
    """A cleaned text without politeness and hesitation; unchanged when nothing else would be left."""
    bare = " ".join(_ANYWHERE.sub(" ", text).split())
    bare = re.sub(r"^(?:, )+|(?: ,)+$", "", re.sub(r", (?:, )+", ", ", bare))
    for pattern, replacement in _WISHES:
        bare = pattern.sub(replacement, bare)
    asked = _LEADING.sub("", _REASON.sub("", _LEADING.sub("", bare)))
    asked = _REASON_BEHIND.sub(r"\g<asked>", asked)
    shorter = _TRAILING.sub("", asked).strip(" ,")
    if not shorter:
        return bare or text
    for pattern, replacement in CONFUSIONS:
        shorter = pattern.sub(replacement, shorter)
    return shorter


LIST_VERBS = "add|put|remove|delete|take|cross|check|tick|scratch"
"""What is done with things on a list, as a pattern."""

_THINGS = re.compile(rf"^(?:{LIST_VERBS}) .+ list$|^(?:(?:i|we) \S+ to )?buy ")
"""What may enumerate things for a list."""


def without_commas(text: str) -> str:
    """A cleaned text without its commas; between things for a list they are "and"."""
    if _THINGS.search(text):
        return re.sub(r" ,(?: and)? ", " and ", text)
    return " ".join(word for word in text.split() if word != ",")


def without_article(text: str) -> str:
    """A noun phrase without what stands before the noun: "the desk lamp" -> "desk lamp"."""
    return re.sub(r"^(?:all (?:of )?)?(?:the|my|our|your|a|an|some|that|this|these|those|any|every) (?=\S)", "", text)
