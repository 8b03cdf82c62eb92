# support/counts.py - whole numbers as JSON files have them, in a string: "+100 5 3 2 +37 7".
import re


def numbers_of(text):
    """The list; +n stands for n zeros. Raises ValueError where the form is another."""
    if not re.fullmatch(r"(\+[1-9]\d*|0|[1-9]\d*)( (\+[1-9]\d*|0|[1-9]\d*))*", text):
        raise ValueError(f"no numbers: {text[:60]!r}")
    return [number for word in text.split(" ") for number in ([0] * int(word) if word[0] == "+" else [int(word)])]


def text_of(numbers):
    """As it is written: with +n for all runs of two zeros and more."""
    text = " ".join(str(number) for number in numbers)
    return re.sub(r"(?<!\S)0( 0)+(?!\S)", lambda zeros: f"+{len(zeros[0].split())}", text)
