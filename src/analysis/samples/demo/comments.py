"""What customers say, in English and Chinese: sentences made of parts, each about one planted theme.

A comment has one clause on its theme, sometimes a second theme's, and words around it. Which themes a comment carries
is recorded, so that whoever looks for themes can be judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rows import Rows, pick

CHINESE_SHARE = 0.6
SECOND_THEME_SHARE = 0.22
POSITIVE, NEGATIVE = "positive", "negative"

THEMES = {
    POSITIVE: {"delivery": 0.20, "price": 0.10, "response_speed": 0.14, "ease_of_use": 0.14, "staff_attitude": 0.20,
               "product_quality": 0.22},
    NEGATIVE: {"delivery": 0.22, "price": 0.22, "response_speed": 0.16, "ease_of_use": 0.13, "staff_attitude": 0.09,
               "product_quality": 0.18},
}  # fmt: skip


@dataclass(frozen=True)
class Wording:
    """Clauses of one theme, by tone."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]

    def of(self, tone: str) -> tuple[str, ...]:
        """The clauses of one tone."""
        return self.positive if tone == POSITIVE else self.negative


ENGLISH = {
    "delivery": Wording(
        ("delivery always arrives on the day promised", "the courier is punctual and careful",
         "the parcel came a day early", "shipping is fast, even before the holidays",
         "we never wait for a delivery any more", "every shipment arrived complete and on time"),
        ("the delivery was {days} days late", "the parcel arrived with crushed boxes",
         "the courier left our shipment at the wrong gate", "shipping takes far too long",
         "nobody told us the delivery had been postponed", "half of the shipment was missing and came a week later"),
    ),
    "price": Wording(
        ("the price is fair for what we get", "good value compared with other suppliers",
         "the volume discount saves us real money", "prices have stayed stable, which helps our budget",
         "it costs less than our former supplier", "the quotation was clear and cheap"),
        ("the price went up again without notice", "too expensive compared with other suppliers",
         "the discount we were promised was not on the quotation", "we pay more each quarter for the same goods",
         "the price is hard to justify to our finance department", "small orders cost too much"),
    ),
    "response_speed": Wording(
        ("they answered within minutes", "our ticket got a reply the same morning",
         "quick response whenever we call", "no waiting on the hotline", "we got a call back within the hour",
         "support replies faster than we expected"),
        ("we waited {days} days for a reply", "the hotline kept us waiting for {minutes} minutes",
         "nobody called back", "support is slow to respond", "our ticket was left without an answer",
         "it took forever to get a response"),
    ),
    "ease_of_use": Wording(
        ("ordering in the app takes two clicks", "the web shop is easy to use", "the machine is simple to operate",
         "reordering is convenient", "the manual is clear and setup was easy", "the new account page is intuitive"),
        ("the app is confusing and keeps logging us out", "I could not find the reorder button",
         "the web shop is complicated to use", "setting up the machine was difficult, the manual is no help",
         "the search in the app never finds our usual items", "changing the address in the account page is a puzzle"),
    ),
    "staff_attitude": Wording(
        ("the staff are friendly and patient", "our contact person really listens",
         "the agent was polite and took us seriously", "a very helpful colleague on the phone",
         "the technician was kind and explained everything", "warm and professional people"),
        ("the agent was rude on the phone", "I was passed around and nobody felt responsible",
         "the technician was impatient with us", "the staff showed no interest in our problem",
         "I was interrupted and talked down to", "an unfriendly tone from the person at the counter"),
    ),
    "product_quality": Wording(
        ("the coffee tastes great and the quality is constant", "the toner lasts longer than others",
         "the machine has run without a fault", "the paper never jams", "solid products, well made",
         "the quality of the goods is excellent"),
        ("the machine broke down after {days} weeks", "the toner leaks", "the beans tasted stale this time",
         "the quality of the paper has got worse", "two of the items were defective on arrival",
         "the dispenser drips and feels cheap"),
    ),
}  # fmt: skip

CHINESE = {
    "delivery": Wording(
        (
            "送货很准时",
            "物流速度快，节前也没耽误",
            "快递员很细心，包装完好",
            "配送提前一天就到了",
            "每次发货都完整无缺",
            "现在基本不用等货",
        ),
        (
            "送货晚了{days}天",
            "物流太慢，等得着急",
            "快递箱子压坏了",
            "货送错了门口，没人通知",
            "配送延期也不提前说",
            "少发了一半的货，过了一周才补到",
        ),
    ),
    "price": Wording(
        (
            "价格公道",
            "性价比比别家高",
            "批量折扣确实省钱",
            "价格一直稳定，预算好做",
            "比原来的供应商便宜",
            "报价清楚又实惠",
        ),
        (
            "价格又涨了，也没有通知",
            "比别家贵不少",
            "答应的折扣报价单上没有",
            "同样的东西每个季度都在涨价",
            "价格太高，财务那边不好交代",
            "小单子收费不划算",
        ),
    ),
    "response_speed": Wording(
        (
            "几分钟就有人回复",
            "工单当天上午就有答复",
            "打电话响应很快",
            "热线不用排队",
            "一小时内就回电了",
            "客服回复比想象的快",
        ),
        (
            "等了{days}天才有回复",
            "热线排队等了{minutes}分钟",
            "一直没有人回电",
            "客服响应太慢",
            "工单提交后没有人理",
            "催了好几次才答复",
        ),
    ),
    "ease_of_use": Wording(
        (
            "小程序两步就能下单",
            "网上商城很好用",
            "机器操作简单",
            "再次下单很方便",
            "说明书清楚，安装容易",
            "新的账户页面一看就懂",
        ),
        (
            "小程序总是掉线，操作混乱",
            "找不到再次下单的按钮",
            "网上商城太复杂，不好用",
            "机器安装困难，说明书看不懂",
            "搜索功能搜不到常用的东西",
            "改个地址要绕好几个页面",
        ),
    ),
    "staff_attitude": Wording(
        (
            "客服态度好，很有耐心",
            "对接人认真听我们的需求",
            "工作人员礼貌又专业",
            "电话里的同事特别热心",
            "师傅态度亲切，讲解仔细",
            "服务人员很热情",
        ),
        (
            "客服态度差，说话不客气",
            "被推来推去，没人负责",
            "师傅很不耐烦",
            "工作人员对我们的问题漠不关心",
            "话还没说完就被打断",
            "前台人员语气生硬",
        ),
    ),
    "product_quality": Wording(
        (
            "咖啡口感好，品质稳定",
            "硒鼓很耐用",
            "机器一直没出过故障",
            "纸张从不卡纸",
            "产品做工扎实",
            "商品质量非常好",
        ),
        (
            "机器用了{days}周就坏了",
            "硒鼓漏粉",
            "这批咖啡豆不新鲜",
            "纸张质量变差了",
            "收到时有两件是坏的",
            "饮水机漏水，做工粗糙",
        ),
    ),
}

AROUND = {
    ("en", POSITIVE): (
        ("", "Overall happy: ", "I must say ", "What I like: ", "Again this quarter "),
        ("", ". Thank you", ". Keep it up", ". We will stay", ", our team is pleased"),
    ),
    ("en", NEGATIVE): (
        ("", "Disappointed: ", "Frankly, ", "Once again ", "To be honest, "),
        (
            "",
            ". Please fix this",
            ". This has to get better",
            ". We are looking around",
            ", not for the first time",
        ),
    ),
    ("zh", POSITIVE): (
        ("", "总体满意，", "不得不说，", "最满意的是", "这个季度"),
        ("", "，谢谢", "，继续保持", "，会继续合作", "，同事们都满意"),
    ),
    ("zh", NEGATIVE): (
        ("", "比较失望，", "说实话，", "再次反映：", "希望改进："),
        ("", "，请尽快改进", "，体验不好", "，正在考虑换供应商", "，不是第一次了"),
    ),
}
BETWEEN = {"en": ", and ", "zh": "，而且"}
ENDS = {"en": ".", "zh": "。"}


def draw_themes(
    draws: np.random.Generator, tones: ArrayLike, led: dict[str, NDArray[np.bool_]] | None = None
) -> NDArray[np.str_]:
    """The main theme of each comment, by its tone; ``led`` names rows that half of the time take a given theme."""
    tones = np.asarray(tones)
    themes = np.where(tones == POSITIVE, pick(draws, THEMES[POSITIVE], len(tones)),
                      pick(draws, THEMES[NEGATIVE], len(tones)))  # fmt: skip
    for theme, rows in (led or {}).items():
        follows = draws.random(len(tones)) < 0.5
        themes = np.where(rows & follows, theme, themes)
    return themes


def draw_comments(draws: np.random.Generator, tones: ArrayLike, themes: ArrayLike) -> Rows:
    """One comment for each tone and theme: ``comment, language, theme, second_theme`` (empty where there is none)."""
    tones, themes = np.asarray(tones), np.asarray(themes)
    n = len(tones)
    languages = np.where(draws.random(n) < CHINESE_SHARE, "zh", "en")
    others = draw_themes(draws, tones)
    second = np.where((draws.random(n) < SECOND_THEME_SHARE) & (others != themes), others, "")
    numbers = draws.integers(1_000_000, size=(n, 6))
    rows = zip(
        languages.tolist(), tones.tolist(), themes.tolist(), second.tolist(), numbers.tolist(), strict=True
    )
    texts = np.array([_comment(*row) for row in rows], dtype=str)
    return {"comment": texts, "language": languages, "theme": themes, "second_theme": second, "tone": tones}


def _comment(language: str, tone: str, theme: str, second: str, numbers: list[int]) -> str:
    before, after = AROUND[language, tone]
    named = [(name, number) for name, number in zip((theme, second), numbers[:2], strict=True) if name]
    parts = [_clause(language, tone, name, number) for name, number in named]
    opening = before[numbers[2] % len(before)]
    text = opening + BETWEEN[language].join(parts) + after[numbers[3] % len(after)] + ENDS[language]
    text = text.replace("{days}", str(2 + numbers[4] % 8)).replace(
        "{minutes}", str(10 + 5 * (numbers[5] % 8))
    )
    return text[0].upper() + text[1:]


def _clause(language: str, tone: str, theme: str, number: int) -> str:
    clauses = (ENGLISH if language == "en" else CHINESE)[theme].of(tone)
    return clauses[number % len(clauses)]
