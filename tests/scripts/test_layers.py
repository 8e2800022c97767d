# SPDX-License-Identifier: GPL-2.0
"""Tests of scripts/layers.py, on small parsers."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "scripts"))

# pylint: disable-next=wrong-import-position
import layers  # noqa: E402

LAYERS = [["low"], ["middle", "beside"], ["top"], ["parser"]]
ROOT = "mod low; mod middle; mod beside; mod top; pub use low::{Item, Other as Renamed}; pub struct Own;"


class Layers(unittest.TestCase):
    """Each test writes files, and looks at what is said of them."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "parser").mkdir()

    def judge(self, root: str = ROOT, **files: str) -> list[str]:
        """What is printed of a parser of these files; the others are empty."""
        (self.folder / "parser.rs").write_text(root)
        for name in ("low", "middle", "beside", "top"):
            (self.folder / "parser" / f"{name}.rs").write_text(files.get(name, ""))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = layers.main(self.folder / "parser.rs", LAYERS)
        *wrong, figure = printed.getvalue().splitlines()
        self.assertEqual(status, int(bool(wrong)))
        self.figure = figure
        return wrong

    def test_down_and_beside(self) -> None:
        """What a file may import."""
        self.assertEqual(
            self.judge(
                top="use super::{low, middle::{self, X}, beside::*};",
                middle="use super::beside; use super::Item;",
                beside="use super::low::Item;",
            ),
            [],
        )
        self.assertEqual(self.figure, "0 of 5 files are in import circles")

    def test_up(self) -> None:
        """By use, in a tree, and in an expression."""
        for source in (
            "use super::top;",
            "use super::{low, top::{A, B}};",
            "fn f() { super::top::f() }",
            "pub(crate) use crate::tls_parser::top::X;",
        ):
            with self.subTest(source):
                self.assertEqual(
                    self.judge(middle=source), ["middle imports top, which stands above it"]
                )

    def test_up_from_an_inner_module(self) -> None:
        """There, the file itself is one `super` away."""
        self.assertEqual(
            self.judge(middle="mod inner { use super::super::top::X; }"),
            ["middle imports top, which stands above it"],
        )
        self.assertEqual(self.judge(middle="mod inner { use super::top; } fn top() {}"), [])
        self.assertEqual(
            self.judge(middle="mod inner { } fn f() { super::top::f() }"),
            ["middle imports top, which stands above it"],
        )

    def test_own_item_of_the_root(self) -> None:
        """It makes a circle, since the root imports its modules."""
        self.assertEqual(
            self.judge(low="use super::Own;"),
            [
                "low imports parser, which stands above it",
                "a circle: low parser",
            ],
        )
        self.assertEqual(self.figure, "2 of 5 files are in import circles")

    def test_reexported_item(self) -> None:
        """It counts as its module's."""
        self.assertEqual(self.judge(middle="use super::Item;"), [])
        self.assertEqual(
            self.judge(ROOT + "use top::High;", middle="use super::High;"),
            ["middle imports top, which stands above it"],
        )

    def test_circle_within_a_layer(self) -> None:
        """Both may import the other, but not each other."""
        self.assertEqual(
            self.judge(middle="use super::beside;", beside="use super::middle;"),
            ["a circle: beside middle"],
        )
        self.assertEqual(self.figure, "2 of 5 files are in import circles")

    def test_no_imports(self) -> None:
        """Comments, documentation, literals and visibilities are none."""
        self.assertEqual(
            self.judge(low="""
            //! See [top](super::top).
            /* use super::top; */
            pub(in super::super) const A: &str = "use super::top;";
            pub(super) fn f<'a>(x: &'a u8) -> char { '"' } // use super::top;
            const Q: char = '\\''; const R: u8 = b'{';
        """),
            [],
        )

    def test_table(self) -> None:
        """It has all files, and no other."""
        self.assertEqual(self.judge(), [])
        (self.folder / "parser" / "new.rs").write_text("")
        self.assertEqual(self.judge(), ["new is in no layer"])
        (self.folder / "parser" / "new.rs").unlink()
        (self.folder / "parser" / "low.rs").unlink()
        self.assertIn(
            "there is no low.rs, but a layer has it",
            layers.complaints(layers.imports(self.folder / "parser.rs"), LAYERS),
        )


if __name__ == "__main__":
    unittest.main()
