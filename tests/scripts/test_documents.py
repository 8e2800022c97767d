# SPDX-License-Identifier: GPL-2.0
"""Tests of what reads the documents: scripts/prose.py, columns.py and session.py, tests/docs."""

import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "scripts"), str(TOP / "tests/docs")]

# pylint: disable-next=wrong-import-position
import columns  # noqa: E402
import commands  # noqa: E402
import prose  # noqa: E402
import session  # noqa: E402

LONG = "word " * 31 + "end."


class Prose(unittest.TestCase):
    """What is found in a text."""

    def found(self, pieces: list[tuple[int, str]]) -> list[str]:
        """The rejected words in prose."""
        words = prose.word_list()
        return [hit[0] for _, text in pieces for word, _ in words for hit in word.finditer(text)]

    def test_words_in_a_document_and_not_in_its_code(self) -> None:
        text = "Made anew.\n\n```sh\nmake anew\n```\n\nNot `anew` here.\n"
        self.assertEqual(self.found(list(prose.markdown(text))), ["anew"])

    def test_words_in_comments_docstrings_and_messages(self) -> None:
        text = '"""Made anew."""\n# a hole\nx = "behind the next one"\nbehind = hole\n'
        found = self.found(list(prose.comments("x.py", text)))
        self.assertEqual(found, ["anew", "hole", "behind"])

    def test_a_word_across_lines(self) -> None:
        text = "// One line a\n// packet.\n"
        self.assertEqual(self.found(list(prose.comments("x.rs", text))), ["line a packet"])

    def test_long_sentences(self) -> None:
        self.assertEqual(len(list(prose.long_sentences(LONG))), 1)
        self.assertEqual(list(prose.long_sentences("Some words. " * 20)), [])


class Columns(unittest.TestCase):
    """How wide a line counts as."""

    def test_tabs_and_strings(self) -> None:
        self.assertEqual(columns.columns("\tx"), 9)
        self.assertEqual(columns.columns('"' + "x" * 98 + '"'), columns.STRING)
        self.assertEqual(columns.columns("x" * 101), 101)

    def test_tables(self) -> None:
        self.assertTrue(columns.is_table("a.md", "| x |"))
        self.assertFalse(columns.is_table("a.md", "x y"))
        self.assertFalse(columns.is_table("a.sh", "| x |"))


class Commands(unittest.TestCase):
    """What counts as a command of a document."""

    def blocks(self, name: str, text: str) -> list[commands.Block]:
        """The blocks of a document with that text."""
        with tempfile.TemporaryDirectory(dir=TOP / "tests") as folder:
            path = Path(folder, name)
            path.write_text(text)
            return commands.blocks(path)

    def test_commands_and_continued_lines(self) -> None:
        (block,) = self.blocks("a.md", "```sh\n# no\na \\\n\tb\nc  # d\n```\n")
        self.assertEqual(block.commands(), ["a \\\n\tb", "c  # d"])

    def test_a_ruleset_is_one(self) -> None:
        (block,) = self.blocks("a.md", "```nft\ntable inet t {\n}\n```\n")
        self.assertEqual(block.commands(), ["table inet t {\n}\n"])

    def test_what_cannot_be_run_has_a_reason(self) -> None:
        (block,) = self.blocks("a.md", "<!-- not run: no disk -->\n```sh\na\n```\n")
        self.assertEqual(block.not_run, "no disk")

    def test_a_fence_says_what_it_is(self) -> None:
        with self.assertRaises(commands.Unclear):
            self.blocks("a.md", "```\na\n```\n")
        with self.assertRaises(commands.Unclear):
            self.blocks("a.4", ".Pp\n.Bd -literal\na\n.Ed\n")

    def test_the_manual_page_and_examples(self) -> None:
        (block,) = self.blocks("a.4", '.\\" sh\n.Bd -literal\na \\e\n\tb\n.Ed\n')
        self.assertEqual(block.commands(), ["a \\\n\tb"])
        (block,) = self.blocks("a.nft", "# Words\n#   nft -f a.nft\nflush ruleset\n")
        self.assertEqual(block.commands(), ["nft -f a.nft"])


class Session(unittest.TestCase):
    """The picture of a session."""

    def test_the_commands_from_the_first_one_on(self) -> None:
        readme = f"```sh\nmake  # `x`\n{session.FIRST}\nb    # c\n```\n```sh\nd\n```\n"
        self.assertEqual(session.session(readme), [session.FIRST, "b"])

    def test_only_their_output(self) -> None:
        lines = ["# a", "1", "# b", "2", "# c", "3"]
        self.assertEqual(session.excerpt(lines, ["b"]), ["# b", "2"])

    def test_long_lines_are_folded(self) -> None:
        self.assertEqual([len(line) for line in session.folded(["x" * 130, ""])], [128, 2, 0])


if __name__ == "__main__":
    unittest.main()
