from __future__ import annotations

import io
import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image

from analysis.report.figures import style

matplotlib.use("Agg")

# Machado, Oliveira and Fernandes (2009), full severity, on linear RGB.
SEEN_BY = {
    "everyone": np.eye(3),
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deuteranopia": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}  # fmt: skip
XYZ_FROM_RGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
has_chinese_on_disk = any("CJK" in path for path in font_manager.findSystemFonts())


def lab(colour: str, seen: object) -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as seen by those with a kind of colour blindness."""
    parts = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    ratios = XYZ_FROM_RGB @ np.clip(np.asarray(seen) @ linear, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.fixture
def forgotten_fonts(monkeypatch):
    """Matplotlib as after reading a font cache written before any Chinese font was installed."""
    known = [entry for entry in font_manager.fontManager.ttflist if "CJK" not in entry.name]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
    for cached in (style.find_families, style._drawable):
        cached.cache_clear()
    yield
    for cached in (style.find_families, style._drawable):
        cached.cache_clear()


@pytest.fixture
def two_lines():
    with style.figure_style("en"):
        figure = Figure()
        axes = figure.subplots()
        axes.plot(range(8), np.linspace(0.60, 0.63, 8), label="Retention")
        axes.plot(range(8), [*np.linspace(0.61, 0.629, 7), np.nan], label="Year ago")
        axes.plot(range(8), np.full(8, 0.62))
    return figure, axes


@pytest.mark.parametrize("kind", SEEN_BY)
def test_any_two_colours_of_the_palette_stay_apart(kind):
    distances = {
        (one, other): np.linalg.norm(
            lab(style.PALETTE[one], SEEN_BY[kind]) - lab(style.PALETTE[other], SEEN_BY[kind])
        )
        for one, other in itertools.combinations(style.PALETTE, 2)
    }
    assert min(distances.values()) >= 20, distances  # a difference of 2.3 is just noticeable


def test_contrast_is_the_published_one():
    assert style.contrast("#000000") == pytest.approx(21.0)
    assert style.contrast("#767676") == pytest.approx(
        4.54, abs=0.005
    )  # WCAG's own example of the least grey text


def test_lines_can_be_told_from_paper_and_verdicts_read_on_it():
    assert min(style.contrast(colour) for colour in style.PALETTE.values()) >= 3
    text = [
        style.PALETTE["better"],
        style.PALETTE["worse"],
        style.PALETTE["main"],
        style.INKS["soft"],
        style.INKS["ink"],
    ]
    assert min(style.contrast(colour) for colour in text) >= 4.5


def test_small_text_takes_the_nearest_readable_shade():
    assert style.readable(style.PALETTE["main"]) == style.PALETTE["main"]
    shade = style.readable(style.PALETTE["comparison"])
    assert 4.5 <= style.contrast(shade) < 4.7
    assert style.contrast(style.PALETTE["comparison"]) < 4.5


def test_spread_moves_crowded_positions_apart_and_leaves_others():
    # 0 and 1 need a gap of 3: both move by 1 around their middle (0.5 → -1 and 2); 10 is clear already.
    assert style.spread([0, 1, 10], 3) == pytest.approx([-1, 2, 10])
    assert style.spread([0, 5], 3) == pytest.approx([0, 5])
    # 0, 0, 4 with gap 3: -1.5 and 1.5 would come within 2.5 of 4, so all pool around 4/3, 3 apart.
    assert style.spread([0, 0, 4], 3) == pytest.approx([-5 / 3, 4 / 3, 13 / 3])
    assert style.spread([], 3) == []


def test_each_named_line_is_labelled_once_at_its_last_known_point(two_lines):
    _, axes = two_lines
    style.label_lines(axes)
    placed = {text.get_text(): text.xy for text in axes.texts}
    assert placed == {"Retention": (7, pytest.approx(0.63)), "Year ago": (6, pytest.approx(0.629))}


def test_labels_of_lines_ending_together_do_not_overlap():
    with style.figure_style("en"):
        figure = Figure()
        axes = figure.subplots()
        for place in range(3):
            axes.plot([0, 1], [place, 1 + place / 1000], label=f"Line {place}")
        style.label_lines(axes)
        figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in axes.texts), key=lambda box: box.y0)
    assert len(boxes) == 3
    assert all(lower.y1 <= upper.y0 + 0.5 for lower, upper in itertools.pairwise(boxes))


@pytest.mark.parametrize(("width_pixels", "shown"), [(720, 8), (300, 4)])
def test_labels_that_would_run_into_each_other_are_thinned_and_the_last_stays(width_pixels, shown):
    with style.figure_style("en"):
        figure = Figure(figsize=(width_pixels / 100, 3))
        axes = figure.subplots()
        quarters = [f"{year}Q{quarter}" for year in (2025, 2026) for quarter in (1, 2, 3, 4)]
        axes.plot(quarters, range(8))
        figure.draw_without_rendering()
        hidden = [label.get_text() for label in style.crowded_labels(axes)]
    kept = [quarter for quarter in quarters if quarter not in hidden]
    assert len(kept) <= shown and kept[-1] == "2026Q4"
    assert (hidden == []) == (width_pixels == 720)


@pytest.mark.parametrize(("width_pixels", "expected"), [(720, (1440, 680)), (480, (960, 680))])
def test_a_figure_is_drawn_at_double_sharpness_and_keeps_its_own_size(two_lines, width_pixels, expected):
    figure, _ = two_lines
    png = style.figure_png(figure, "en", width_pixels=width_pixels)
    assert Image.open(io.BytesIO(png)).size == expected
    assert figure.get_size_inches() == pytest.approx([7.2, 3.4])


@pytest.mark.parametrize("share", [0.5, 0.7, 0.8])
def test_words_beside_a_point_are_not_cut_off_on_a_phone(share):
    # They move with their point as the plot gets narrower to make room: half of the way, 0.7 or 0.8 at each step.
    with style.figure_style("en"):
        figure = Figure(layout="none")
        axes = figure.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.annotate("M" * 22, (share, 0.5), (8, 0), textcoords="offset points", va="center")
    for png in style.figure_pngs(figure, "en", [720, 480]):
        pixels = np.array(Image.open(io.BytesIO(png)).convert("L"))
        assert (pixels[:, -3:] == 255).all()  # cut letters would run into the edge


def test_the_same_figure_gives_the_same_bytes_and_few_of_them(two_lines):
    figure, _ = two_lines
    first, second = (style.figure_png(figure, "en") for _ in range(2))
    assert first == second
    assert len(first) < 60_000


def test_fewer_colours_cannot_be_seen():
    with style.figure_style("en"):
        figure = Figure(figsize=(4, 3))
        figure.subplots().plot([0, 1], [0, 1])
        drawn = io.BytesIO()
        figure.savefig(drawn, format="rgba", dpi=100)
    before = np.frombuffer(drawn.getvalue(), dtype=np.uint8).reshape(300, 400, 4)[:, :, :3].astype(int)
    packed = style._packed(drawn.getvalue(), 400)
    after = np.asarray(Image.open(io.BytesIO(packed)).convert("RGB"), dtype=int)
    assert np.abs(before - after).max() <= 16  # of 255, on the soft edges of letters
    assert np.abs(before - after).mean() < 0.5
    assert (after[0, 0] == 255).all()  # paper stays white


def test_style_ends_with_its_context():
    before = dict(matplotlib.rcParams)
    with style.figure_style("en"):
        assert matplotlib.rcParams["axes.spines.top"] is False
    assert dict(matplotlib.rcParams) == before


@pytest.mark.skipif(not has_chinese_on_disk, reason="no Chinese font is installed on this system")
def test_a_font_installed_after_the_font_cache_is_found_on_disk(forgotten_fonts):
    assert not style._installed_families() & set(style.CHINESE_FAMILIES)
    assert style.find_families("zh")[0] == "Noto Sans CJK SC"
    style.check_fonts(["zh"])


def test_without_a_system_font_the_packaged_one_is_taken(forgotten_fonts, monkeypatch):
    pytest.importorskip(style.CHINESE_PACKAGE)
    monkeypatch.setattr(style, "_add_fonts_on_disk", lambda: None)
    assert style.find_families("zh")[0] == "Noto Sans CJK TC"
    style.check_fonts(["zh"])


def test_without_any_chinese_font_the_error_says_what_to_install(forgotten_fonts, monkeypatch):
    monkeypatch.setattr(style, "_add_fonts_on_disk", lambda: None)
    monkeypatch.setattr(style, "_add_packaged_font", lambda: None)
    with pytest.raises(style.MissingFont, match="fonts-noto-cjk"):
        style.check_fonts(["zh"])
    assert style.find_families("en")  # English figures go on without


def test_missing_glyphs_are_listed():
    style.check_glyphs("Retention 63.1% − ▲\n", "en")
    with pytest.raises(style.MissingGlyphs, match=r"U\+10330.*U\+1F9FF") as caught:
        style.check_glyphs("A \U0001f9ff \U00010330", "en")  # a nazar amulet and a Gothic letter
    assert "U+0041" not in str(caught.value)


# --- No boxes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Acme & Söhne", "Acme & Söhne"),
        ("林🙂", "林\ufffd"),
        ("\U0001f469\u200d\U0001f4bb Ada", "\ufffd Ada"),  # a woman joined to a laptop is one sign
        ("🙂🙂 a\tb\x07", "\ufffd a b"),  # a tab is a space, a bell nothing
        ("\U00010330\U0001f9ff", "\ufffd"),  # a Gothic letter and an amulet
    ],
)
def test_what_no_font_has_in_a_name_is_replaced_by_a_sign_that_can_be_seen(text, shown):
    if any("\u4e00" <= sign <= "\u9fff" for sign in text) and not has_chinese_on_disk:
        pytest.skip("no Chinese font is installed on this system")
    assert style.drawable_text(text, "en") == shown
    style.check_glyphs(shown, "en")


def test_a_stand_in_that_no_font_has_either_is_a_question_mark(monkeypatch):
    without = style._drawable(style.find_families("en")) - {0xFFFD}
    monkeypatch.setattr(style, "_drawable", lambda families: without)
    assert style.drawable_text("🙂", "en") == "?"


@pytest.fixture
def lacking(monkeypatch):
    """Fonts without the character ▲, which the workbook writes itself."""
    have = style._drawable(style.find_families("en")) - {ord("▲")}
    monkeypatch.setattr(style, "_drawable", lambda families: have)


def test_a_character_of_our_own_that_no_font_has_is_an_error_at_the_start_and_in_a_figure(lacking):
    with pytest.raises(style.MissingGlyphs, match=r"▲ \(U\+25B2\)"):
        style.check_fonts(["en"])
    with style.figure_style("en"):
        figure = Figure()
        figure.subplots().set_xlabel("▲ better 🙂")
    with pytest.raises(style.MissingGlyphs, match=r"▲ \(U\+25B2\)"):
        style.figure_png(figure, "en")


def test_names_of_the_data_are_drawn_without_boxes_wherever_they_stand():
    with style.figure_style("en"):
        figure = Figure()
        axes = figure.subplots()
        axes.bar(["shop 🙂", "web"], [1, 2], label="sold 🚀")  # a category
        axes.set_yticks([0, 2], ["none", "two 🚀"])  # ticks with fixed names
        axes.annotate("at 🚀", (0, 1))
        axes.set_title("🚀 sales")
        axes.legend()
    assert style.figure_png(figure, "en")  # a warning of a missing glyph would be an error
    said = {text.get_text() for text in figure.findobj(matplotlib.text.Text)} - {""}
    assert said == {"shop \ufffd", "web", "sold \ufffd", "none", "two \ufffd", "at \ufffd", "\ufffd sales"}


def test_a_box_that_slips_through_all_the_same_is_an_error(monkeypatch):
    monkeypatch.setattr(style, "_make_drawable", lambda figure, language: None)
    with style.figure_style("en"):
        figure = Figure()
        figure.subplots().set_xlabel("\U00010330")
    with pytest.raises(style.MissingGlyphs, match="box"):
        style.figure_png(figure, "en")


def test_our_own_characters_are_those_of_the_labels_in_one_language():
    assert set("保留率▲▼●−") <= style.own_characters("zh")
    assert set("Retention▲▼●−“”") <= style.own_characters("en")
    assert not [sign for sign in style.own_characters("en") if "\u3000" <= sign <= "\u9fff"]


@pytest.mark.skipif(not has_chinese_on_disk, reason="no Chinese font is installed on this system")
def test_chinese_is_drawn_in_its_mainland_forms():
    with style.figure_style("zh"):
        assert matplotlib.rcParams["font.family"][0] == "Noto Sans CJK SC"
        figure = Figure()
        axes = figure.subplots()
        axes.plot(["一季度", "二季度"], [-1, 1])
    assert len(style.figure_png(figure, "zh")) > 5_000


def test_reading_the_palette_does_not_load_matplotlib():
    asks = "import sys, analysis.report.figures.style; print('matplotlib' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_a_notebook_s_own_figures_are_shown_after_one_of_the_report_was_drawn():
    was = matplotlib.is_interactive()
    try:
        matplotlib.interactive(False)
        with style.figure_style("en"):
            matplotlib.interactive(True)  # as a notebook's backend does with its first figure
        assert matplotlib.is_interactive()
        with pytest.raises(RuntimeError), style.figure_style("en"):
            raise RuntimeError
        assert matplotlib.is_interactive()
    finally:
        matplotlib.interactive(was)
