"""How every figure of the report looks: colours by role, fonts for both languages, labels beside the data.

Matplotlib is imported inside the functions only, so that a page can take its colours from here without it.
"""

from __future__ import annotations

import importlib.util
import io
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = {
    "main": "#173f73",
    "comparison": "#c8872a",
    "muted": "#828ea3",
    "better": "#0a7d64",
    "worse": "#a8321a",
}
"""Colours by what they say; any two stay apart under colour blindness of any kind (a test measures it)."""

INKS = {
    "ink": "#1c2126",
    "soft": "#55606b",
    "line": "#d5dae0",
    "hair": "#e9ecf0",
    "wash": "#f5f7f9",
    "paper": "#ffffff",
}
"""Text, rules and grounds, from dark to light."""

CONTENT_WIDTH_PIXELS = 720
PHONE_WIDTH_PIXELS = 480
SCREEN_DPI = 100
SHARPNESS = 2
FIGURE_HEIGHT_INCHES = 3.4
PADDING_INCHES = 0.04
MOST_LAYOUTS = 8

LATIN_FAMILIES = ("Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "Noto Sans", "DejaVu Sans")
CHINESE_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC",
    "Microsoft YaHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Noto Sans CJK TC",
    "Noto Sans CJK JP",
)  # fmt: skip
CHINESE_PACKAGE = "cvttf_NotoSansCJK_Regular"
OWN_TEXTS = ("labels", "metrics", "tables", "dimensions.yml", "pages.yml")
FIGURE_SIGNS = "0123456789.,%+−–…·▲▼●○↑↓=→×÷±"
JOINING = "\N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}"
STAND_INS = "\N{REPLACEMENT CHARACTER}?"
"""What stands for a character of the data that no font has; the first that a font has."""
TEXT_LANGUAGES = {"en": None, "zh": "zh-Hans"}


class MissingFont(InputError):
    """No installed font can draw a language's texts; the message says what to install."""


class MissingGlyphs(MissingFont):
    """The fonts in use lack characters that a text needs; the message lists them."""


@lru_cache(maxsize=4)
def find_families(language: str) -> tuple[str, ...]:
    """Font families for a language's figures, best first, each installed.

    Every list ends with DejaVu Sans, which comes with matplotlib and holds the signs; an English list holds
    a Chinese family too where there is one, because names of customers may be Chinese in any edition.

    Raises
    ------
    MissingFont
        When the language is Chinese and no font for it is found, neither installed nor in the font package.
    """
    chinese = _find_chinese_family()
    if language == "zh":
        if chinese is None:
            raise MissingFont(
                "No installed font can draw Chinese, so Chinese figures would show empty boxes. Install one: "
                f"on Debian `apt-get install fonts-noto-cjk`, elsewhere `pip install {CHINESE_PACKAGE}`."
            )
        return (chinese, "DejaVu Sans")
    latin = next(family for family in LATIN_FAMILIES if family in _installed_families())
    return tuple(dict.fromkeys(family for family in (latin, "DejaVu Sans", chinese) if family))


def _installed_families() -> set[str]:
    from matplotlib import font_manager

    return set(font_manager.fontManager.get_font_names())


def _find_chinese_family() -> str | None:
    """First Chinese family known; else after a look at the disk; else from the font package; else none."""
    for make_known in (lambda: None, _add_fonts_on_disk, _add_packaged_font):
        make_known()
        known = _installed_families()
        found = next((family for family in CHINESE_FAMILIES if family in known), None)
        if found:
            return found
    return None


def _add_fonts_on_disk() -> None:
    """Tell matplotlib of fonts installed since its font cache was written; it never looks again by itself."""
    from matplotlib import font_manager

    known = {str(entry.fname) for entry in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if str(path) not in known:
            _add_font(path)


def _add_packaged_font() -> None:
    """Tell matplotlib of the font file in the font package, found without importing the package."""
    specification = importlib.util.find_spec(CHINESE_PACKAGE)
    folders = (specification.submodule_search_locations or []) if specification else []
    for path in (file for folder in folders for file in Path(folder).glob("*.otf")):
        _add_font(path)


def _add_font(path: str | Path) -> None:
    from matplotlib import font_manager

    try:
        font_manager.fontManager.addfont(path)
    except (
        OSError,
        RuntimeError,
        UnicodeDecodeError,
    ):  # a broken or bitmap-only font file is no reason to stop
        return


@lru_cache(maxsize=8)
def _drawable(families: tuple[str, ...]) -> frozenset[int]:
    """Code points that at least one of the families can draw."""
    from matplotlib import font_manager

    fonts = (font_manager.FontProperties(family=family) for family in families)
    files = (font_manager.findfont(font, fallback_to_default=False) for font in fonts)
    return frozenset(point for file in files for point in font_manager.get_font(file).get_charmap())


def check_glyphs(text: str, language: str) -> None:
    """Pass silently when a language's figures can draw every character of a text.

    Raises
    ------
    MissingGlyphs
        Naming each character that no font in use holds; it would be drawn as an empty box.
    MissingFont
        When the language has no font at all.
    """
    families = find_families(language)
    missing = sorted(sign for sign in _undrawable(text, language) if sign.isprintable())
    if missing:
        listed = ", ".join(f"{sign} (U+{ord(sign):04X})" for sign in missing)
        raise MissingGlyphs(
            f"No glyph for {listed} in {', '.join(families)}. Install a font that has them "
            "(Debian fonts-noto-cjk holds all common Chinese characters)."
        )


def check_fonts(languages: Iterable[str]) -> None:
    """Pass silently when each language's figures can draw all that the workbook writes; for the start of a run.

    Raises
    ------
    MissingFont
        When a language has no font, or its font lacks a character of the workbook's own texts.
    """
    for language in languages:
        check_glyphs("".join(own_characters(language)), language)


@lru_cache(maxsize=4)
def own_characters(language: str) -> frozenset[str]:
    """Every character that the workbook itself may write in a language: in labels, names, definitions and signs."""
    texts = "".join(_texts_below(files("analysis.catalogue"), OWN_TEXTS)) + FIGURE_SIGNS
    found = frozenset(sign for sign in texts if sign.isprintable())
    return found if language == "zh" else frozenset(sign for sign in found if not _is_chinese(sign))


def _texts_below(folder: Any, names: Iterable[str]) -> Iterator[str]:
    for entry in (folder.joinpath(name) for name in names):
        if entry.is_dir():
            yield from _texts_below(entry, [each.name for each in entry.iterdir()])
        elif entry.name.endswith(".yml"):
            yield entry.read_text(encoding="utf-8")


def _is_chinese(sign: str) -> bool:
    """Whether it is a Chinese character or a full-width sign."""
    return unicodedata.east_asian_width(sign) in "WF"


def drawable_text(text: str, language: str) -> str:
    """A text as a figure can show it: what no font has in a name from the data is replaced by a sign that says so.

    Emoji and rare scripts are the company's, so a page does not fail for them; signs that only join or dress others
    are left out, several in a row have one stand-in. A character that the workbook writes itself is never replaced.

    Raises
    ------
    MissingGlyphs
        When a character of the workbook's own texts is among those that no font has.
    """
    missing = _undrawable(text, language)
    if not missing:
        return text
    check_glyphs("".join(missing & own_characters(language)), language)
    stand_in = next(sign for sign in STAND_INS if not _undrawable(sign, language))
    shown = ""
    for sign in text:
        if sign in JOINING and shown.endswith(stand_in):
            continue
        if sign not in missing:
            shown += sign
        elif sign == "\t":
            shown += " "
        elif unicodedata.category(sign)[0] not in "CM" and not shown.endswith(stand_in):
            shown += stand_in
    return shown


def _undrawable(text: str, language: str) -> set[str]:
    """The characters of a text that no font of the language has; the end of a line needs none."""
    if text.isascii() and text.isprintable():
        return set()
    drawable = _drawable(find_families(language))
    return {sign for sign in text if ord(sign) not in drawable and sign != "\n"}


def style_settings(language: str) -> dict[str, Any]:
    """Matplotlib settings of the report's figures in one language, as `rc` keys and values."""
    import matplotlib
    from cycler import cycler

    series = cycler(linestyle=["-", "--"]) * cycler(
        color=[PALETTE[role] for role in ("main", "comparison", "muted")]
    )
    settings = {
        "font.family": list(find_families(language)), "font.size": 11.5, "text.color": INKS["ink"],
        "text.language": TEXT_LANGUAGES.get(language), "axes.unicode_minus": True,
        "figure.figsize": (CONTENT_WIDTH_PIXELS / SCREEN_DPI, FIGURE_HEIGHT_INCHES), "figure.dpi": SCREEN_DPI,
        "figure.constrained_layout.use": True, "figure.facecolor": INKS["paper"],
        "savefig.dpi": SHARPNESS * SCREEN_DPI, "savefig.facecolor": INKS["paper"],
        "axes.prop_cycle": series, "axes.axisbelow": True, "axes.facecolor": INKS["paper"],
        "axes.edgecolor": INKS["line"], "axes.linewidth": 1.0, "axes.labelcolor": INKS["soft"],
        "axes.labelsize": 11,
        "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
        "axes.titlelocation": "left", "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlepad": 10,
        "axes.grid": True, "axes.grid.axis": "y", "grid.color": INKS["hair"], "grid.linewidth": 1.0,
        "xtick.color": INKS["line"], "ytick.color": INKS["line"], "xtick.labelcolor": INKS["soft"],
        "ytick.labelcolor": INKS["soft"], "xtick.labelsize": 11, "ytick.labelsize": 11,
        "xtick.major.size": 4, "ytick.major.size": 0, "xtick.minor.size": 0, "ytick.minor.size": 0,
        "lines.linewidth": 2.2, "lines.markersize": 5, "lines.solid_capstyle": "round", "patch.linewidth": 0,
        "legend.frameon": False, "legend.fontsize": 11, "image.cmap": "Blues",
    }  # fmt: skip
    return {
        key: value for key, value in settings.items() if key in matplotlib.rcParams
    }  # text.language: since 3.11


@contextmanager
def figure_style(language: str) -> Iterator[None]:
    """Within this context, figures are drawn in the report's style and in fonts for one language."""
    import matplotlib

    is_interactive = matplotlib.is_interactive()
    try:
        with matplotlib.rc_context(style_settings(language)):
            try:
                yield
            finally:
                is_interactive = matplotlib.is_interactive()
    finally:  # a notebook turns it on with its first figure, and shows no later ones if it is forgotten here
        matplotlib.interactive(is_interactive)


def label_lines(axes: Axes, *, font_size: float = 11.5, gap_points: float = 6.0) -> Axes:
    """Name each line at its right end in its own colour, in place of a legend; names do not overlap.

    A line is named by its label; lines without one are left alone. Call it once all lines are drawn.
    """
    import numpy as np

    ends = [
        (line, *_last_point(line)) for line in axes.get_lines() if not str(line.get_label()).startswith("_")
    ]
    ends = sorted((end for end in ends if end[1] is not None), key=lambda end: end[2])
    if not ends:
        return axes
    axes.get_ylim()  # limits are settled on reading; without this the transform below uses stale ones
    points_per_pixel = 72 / axes.figure.dpi
    heights = [axes.transData.transform((x, y))[1] * points_per_pixel for _, x, y in ends]
    shifts = np.subtract(spread(heights, 1.25 * font_size), heights)
    for (line, x, y), shift in zip(ends, shifts, strict=True):
        axes.annotate(
            line.get_label(), (x, y), (gap_points, shift), textcoords="offset points", va="center", ha="left",
            color=readable(line.get_color()), fontsize=font_size, annotation_clip=False,
        )  # fmt: skip
    return axes


def contrast(colour: Any, ground: str = INKS["paper"]) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"); small text wants 4.5, a line 3."""
    lighter, darker = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Any) -> float:
    """Relative luminance of an sRGB colour in [0, 1] (WCAG 2.2, "relative luminance")."""
    from matplotlib.colors import to_rgb

    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def readable(colour: Any) -> str:
    """The colour itself where small text in it can be read on paper, else the nearest shade that can."""
    from matplotlib.colors import to_hex, to_rgb

    shades = ([part * (1 - step / 100) for part in to_rgb(colour)] for step in range(101))
    return next(to_hex(shade) for shade in shades if contrast(to_hex(shade)) >= 4.5)


def _last_point(line: Any) -> tuple[Any, float]:
    """Last point of a line that has both numbers; (None, nan) where there is none."""
    import numpy as np

    heights = np.asarray(line.get_ydata(orig=False), dtype=float)
    known = np.flatnonzero(np.isfinite(heights))
    return (line.get_xdata(orig=False)[known[-1]], heights[known[-1]]) if known.size else (None, float("nan"))


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Positions moved as little as possible so that neighbours stand at least a gap apart.

    Least squares under order: positions minus their rank times the gap, pooled where they fall
    (pool-adjacent-violators), then given their gaps back.

    Parameters
    ----------
    positions : sequence of float
        Ascending.
    gap : float
        Smallest distance between neighbours, in the unit of the positions.
    """
    pools: list[list[float]] = []
    for rank, position in enumerate(positions):
        pools.append([position - rank * gap])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            last = pools.pop()
            pools[-1].extend(last)
    level = [_mean(pool) for pool in pools for _ in pool]
    return [value + rank * gap for rank, value in enumerate(level)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def lay_bars(axes: Axes, names: Sequence[str], width: float) -> Axes:
    """Name lying bars, the first on top, and take the value axis away: their values stand beside them.

    Parameters
    ----------
    width : float
        Where the axis ends: beyond the longest bar, so that its text has room.
    """
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", labelcolor=INKS["ink"])
    axes.invert_yaxis()
    axes.set_xlim(0, max(1.0, width))
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.grid(False)
    return axes


def figure_png(figure: Figure, language: str, *, width_pixels: int = CONTENT_WIDTH_PIXELS) -> bytes:
    """A figure as PNG at double sharpness, as wide as asked for and as high as it was made.

    Raises
    ------
    MissingGlyphs
        When a text of the figure holds a character that no font in use can draw.
    """
    return figure_pngs(figure, language, [width_pixels])[0]


def figure_pngs(figure: Figure, language: str, widths_pixels: Sequence[int]) -> list[bytes]:
    """A figure as PNGs of several widths, each at double sharpness; see `figure_png`.

    It is laid out once, where it is narrowest: what stands around a plot is type, as large in every width.
    """
    with figure_style(language), _as_it_was(figure), _no_boxes():
        _make_drawable(figure, language)
        # the style is set again because ticks that appear while drawing take their fonts at that moment
        margins = _margins_inches(figure, min(widths_pixels) / SCREEN_DPI)
        return [
            _packed(_drawn(figure, width / SCREEN_DPI, margins), SHARPNESS * width) for width in widths_pixels
        ]


def _make_drawable(figure: Figure, language: str) -> None:
    """Replace what no font has in a figure's texts, and in labels of ticks, which are written while drawing."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_text(drawable_text(text.get_text(), language))
    for axis in (each for axes in figure.axes for each in (axes.xaxis, axes.yaxis)):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        if any(_undrawable(label, language) for label in labels):
            axis.set_major_formatter(_drawing_all(axis.get_major_formatter(), language))


def _drawing_all(formatter: Any, language: str) -> Any:
    """A formatter of ticks whose labels can be drawn."""
    from matplotlib.ticker import Formatter

    class Drawable(Formatter):
        def __call__(self, value: float, position: int | None = None) -> str:
            return drawable_text(formatter(value, position), language)

        def format_ticks(self, values: Sequence[float]) -> list[str]:
            return [drawable_text(label, language) for label in formatter.format_ticks(values)]

    return Drawable()


@contextmanager
def _as_it_was(figure: Figure) -> Iterator[None]:
    """Give a figure back its size, canvas and layout after it was drawn as it will be saved."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    size, dpi = figure.get_size_inches().copy(), figure.dpi
    canvas, engine = figure.canvas, figure.get_layout_engine()
    try:
        FigureCanvasAgg(figure)
        figure.set_dpi(SHARPNESS * SCREEN_DPI)  # text is a little wider than at half the sharpness
        figure.set_layout_engine("none")
        yield
    finally:
        figure.set_canvas(canvas)
        figure.set_dpi(dpi)
        figure.set_size_inches(size)
        figure.set_layout_engine(engine or "none")


def _margins_inches(figure: Figure, width_inches: float) -> tuple[float, ...] | None:
    """What the texts around a figure's plot need left, below, right and above; None where it has several plots."""
    if len(figure.axes) != 1:
        return None
    margins = (0.0, 0.0, 0.0, 0.0)
    for _ in range(MOST_LAYOUTS):  # words beside a point move with it as the plot gets narrower
        before = margins
        _place(figure, width_inches, margins)
        with _uncrowded(figure):
            outer, inner = _extents_inches(figure)
        margins = tuple(
            PADDING_INCHES + max(0.0, room)
            for room in (inner.x0 - outer.x0, inner.y0 - outer.y0, outer.x1 - inner.x1, outer.y1 - inner.y1)
        )
        if max(abs(now - then) for now, then in zip(margins, before, strict=True)) < PADDING_INCHES / 4:
            break
    return margins


def _extents_inches(figure: Figure) -> tuple[Any, Any]:
    """The only plot of a figure with its texts, and without."""
    from matplotlib.transforms import TransformedBbox

    [axes] = figure.axes
    to_inches = figure.dpi_scale_trans.inverted()
    outer = axes.get_tightbbox(figure._get_renderer(), for_layout_only=True)
    return TransformedBbox(outer, to_inches), TransformedBbox(axes.bbox, to_inches)


def _place(figure: Figure, width_inches: float, margins: Sequence[float]) -> None:
    """Make a figure so wide, and its only plot as large as the margins leave room for."""
    height = figure.get_size_inches()[1]
    figure.set_size_inches(width_inches, height)
    left, below, right, above = margins
    figure.axes[0].set_position(
        (left / width_inches, below / height, 1 - (left + right) / width_inches, 1 - (below + above) / height)
    )


def _drawn(figure: Figure, width_inches: float, margins: Sequence[float] | None) -> bytes:
    """The pixels (RGBA) of a figure with these margins; one of several plots is laid out by matplotlib."""
    if margins is None:
        figure.set_size_inches(width_inches, figure.get_size_inches()[1])
        figure.set_layout_engine("constrained")
        figure.get_layout_engine().execute(figure)
        figure.set_layout_engine("none")  # or it would be laid out once more before it is drawn
    else:
        _place(figure, width_inches, margins)
    with _uncrowded(figure):
        figure.canvas.draw()
    return bytes(figure.canvas.buffer_rgba())


@contextmanager
def _uncrowded(figure: Figure) -> Iterator[None]:
    """Show crowded labels along x axes every second, third, … only."""
    hidden = [label for axes in figure.axes for label in crowded_labels(axes)]
    for label in hidden:
        label.set_visible(False)
    try:
        yield
    finally:
        for label in hidden:
            label.set_visible(True)


def crowded_labels(axes: Axes) -> list[Any]:
    """Labels of the x axis to leave out so that the rest stand clear of each other; the last one stays."""
    labels = [label for label in axes.get_xticklabels() if label.get_text() and label.get_visible()]
    boxes = [label.get_window_extent() for label in labels]
    for step in range(1, len(labels) + 1):
        kept = range(len(labels) - 1, -1, -step)
        if all(boxes[left].x1 + 3 <= boxes[right].x0 for right, left in zip(kept, kept[1:], strict=False)):
            return [label for place, label in enumerate(labels) if place not in kept]
    return []


@contextmanager
def _no_boxes() -> Iterator[None]:
    """Turn matplotlib's warning of a missing glyph into an error: a box in a chart says nothing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing from font")
        try:
            yield
        except UserWarning as warning:
            raise MissingGlyphs(f"{warning} A figure would show an empty box in its place.") from warning


def _packed(pixels: bytes, width: int) -> bytes:
    """Pixels (RGBA) as a PNG of at most 256 colours: a quarter of the bytes, and no difference to be seen."""
    from PIL import Image

    picture = Image.frombytes("RGBA", (width, len(pixels) // (4 * width)), pixels).convert("RGB")
    fewer = picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = fewer.getpalette() or []
    fewer.putpalette([255 if part >= 254 else part for part in palette])  # paper stays white
    png = io.BytesIO()
    fewer.save(png, format="png")
    return png.getvalue()
