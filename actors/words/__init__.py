"""Everything that the gateway itself says, in one catalogue for each language."""

from actors.words.saying import CATALOGUES, FAILURES, SKILLS, plain, say
from actors.words.sizes import count_text, size_text
from actors.words.word import Word

__all__ = ["CATALOGUES", "FAILURES", "SKILLS", "Word", "count_text", "plain", "say", "size_text"]
