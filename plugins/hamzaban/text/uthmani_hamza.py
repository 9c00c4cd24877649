"""Carriers of hamza in modern Arabic spelling, by the vowels beside it."""

from hamzaban.text.uthmani_letters import DAGGER, FATHATAN, SMALL_WAW, Letter


def end_in_hamza(before: Letter) -> str:
    """Return the last hamza of a word, for which waw and a silent alef are written."""
    if before.is_long:
        return "ء"
    return "أ" if before.vowel == "a" else "ؤ"


def spell_hamza(letters: list[Letter], at: int) -> tuple[str, int]:
    """Return a hamza on the carrier that its neighbours call for."""
    letter = letters[at]
    before = letters[at - 1] if at else None
    after = letters[at + 1] if at + 1 < len(letters) else None
    is_tanwin = not FATHATAN.isdisjoint(letter.marks)
    has_alef = after is not None and after.base == "ا"
    if before is None:
        if has_alef and letter.vowel == "a":
            return "آ", 2
        if DAGGER in letter.marks:
            return "آ", 1
        return ("إ" if letter.vowel == "i" else "أ"), 1
    if at == 1 and before.base == "أ" and not has_alef and DAGGER not in letter.marks:
        return ("إ" if letter.vowel == "i" else "أ"), 1  # after a particle of question
    is_first = all(one.base in "وفأبلك" for one in letters[:at]) and at <= 2
    follows_yeh = before.base in "يى" and not before.vowel and not before.is_long
    is_high = before.vowel == "i" and not is_first
    if has_alef and letter.vowel == "a" and not is_tanwin:
        if is_high or follows_yeh:
            return "ئ", 1
        if before.is_long:
            return "ء", 1
        return ("ؤ", 1) if before.vowel == "u" and not is_first else ("آ", 2)
    if DAGGER in letter.marks and not before.is_long:
        return ("ئا" if is_high or follows_yeh else "آ"), 1
    if is_tanwin and has_alef:
        if before.vowel == "a":
            return "أ", 2
        return ("ئ" if letter.is_seated else "ء"), 1
    return _choose_carrier(letter, before, after), 1


def _choose_carrier(letter: Letter, before: Letter, after: Letter | None) -> str:
    """Return a hamza within or at the end of a word on its carrier."""
    follows_yeh = before.base in "يى" and not before.vowel and not before.is_long
    if after is None:
        return "ء"
    if letter.vowel == "i" or before.vowel == "i":
        return "ئ"
    if follows_yeh:
        return "ئ" if letter.is_seated else "ء"
    is_after_long = before.is_long or (
        before.base in ("و", SMALL_WAW) and not before.vowel
    )
    if letter.vowel == "u":
        if after.base not in ("و", SMALL_WAW):
            return "ؤ"
        return "ئ" if letter.is_seated and not is_after_long else "ء"
    if letter.vowel == "a":
        return "ء" if is_after_long else "ؤ" if before.vowel == "u" else "أ"
    return {"a": "أ", "u": "ؤ"}.get(before.vowel, "ء")
