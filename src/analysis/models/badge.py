"""Verdicts on a model, each with the rule that gave it, in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass

VERDICTS = ("trusted", "with_care", "do_not_use")


@dataclass(frozen=True)
class Badge:
    """A verdict, ``trusted``, ``with_care`` or ``do_not_use``, and the rule that gave it, in words."""

    verdict: str
    code: str
    rule: str
    rule_zh: str


RULES: dict[str, tuple[str, str]] = {
    "correlation_trusted": (
        "How often customers buy and how much they spend are hardly correlated "
        "(rank correlation {correlation:.2f}, 95% interval {low:.2f} to "
        "{high:.2f}, not all of it beyond ±0.10).",
        "购买频率与消费额基本无关（秩相关系数{correlation:.2f}，95%区间{low:.2f}至{high:.2f}，"
        "区间未全部超出±0.10）。",
    ),
    "correlation_with_care": (
        "How often customers buy and how much they spend are correlated "
        "(rank correlation {correlation:.2f}, 95% interval {low:.2f} to "
        "{high:.2f}, all of it beyond ±0.10): "
        "read values by spend group.",
        "购买频率与消费额相关（秩相关系数{correlation:.2f}，95%区间{low:.2f}至{high:.2f}，"
        "区间全部超出±0.10）：请按消费分组解读价值。",
    ),
    "correlation_do_not_use": (
        "How often customers buy and how much they spend are closely correlated "
        "(rank correlation {correlation:.2f}, 95% interval {low:.2f} "
        "to {high:.2f}, all of it beyond ±0.30): "
        "the model would misvalue one-time buyers badly.",
        "购买频率与消费额密切相关（秩相关系数{correlation:.2f}，95%区间{low:.2f}至{high:.2f}，"
        "区间全部超出±0.30）："
        "模型会严重误估只购买一次的客户的价值。",
    ),
    "correlation_unknown": (
        "Too few customers to tell whether frequency and spend go together ({n}).",
        "仅凭{n}位客户无法判断购买频率与消费额是否相关。",
    ),
    "fitted": ("{model} was fitted as asked.", "已按要求拟合 {model}。"),
    "fitted_with_care": ("{message}", "{message}"),
    "standing_in": ("{model} stands in for {wanted}. {message}", "以“{model}”代替“{wanted}”。{message}"),
    "no_model": ("No model could be fitted. {message}", "无法拟合任何模型。{message}"),
    "holdout_nothing": (
        "There is nothing to judge by: the model gave no forecast.",
        "无从判断：模型没有给出预测。",
    ),
    "holdout_too_few": (
        "Only {actual:.0f} purchases were made in the holdout; with fewer than {least} chance alone "
        "moves the total by over a tenth.",
        "检验期内仅有{actual:.0f}次购买；少于{least}次时，仅随机波动就会使合计偏离一成以上。",
    ),
    "holdout_total_far": (
        "The forecast total missed by {error:+.1%}, more than a quarter.",
        "预测合计偏差为{error:+.1%}，超过四分之一。",
    ),
    "holdout_no_ranking": (
        "The model does not tell buyers from non-buyers (Gini {gini:.2f}, below {least:.2f}).",
        "模型无法区分买家与非买家（基尼系数{gini:.2f}，低于{least:.2f}）。",
    ),
    "holdout_beaten": (
        "Both naive forecasts came closer, customer by customer (root mean squared error {error:.3f} "
        "against {naive:.3f}).",
        "逐个客户来看，两种朴素预测都更接近实际（均方根误差{error:.3f}，朴素预测为{naive:.3f}）。",
    ),
    "holdout_total_off": (
        "The forecast total missed by {error:+.1%}, more than a tenth and beyond its 95% interval.",
        "预测合计偏差为{error:+.1%}，超过一成且落在95%区间之外。",
    ),
    "holdout_outside_often": (
        "The actual total lay in the 95% interval in {inside} of {n} quarters only.",
        "{n}个季度中，实际合计仅有{inside}个落在95%区间内。",
    ),
    "holdout_good": (
        "The forecast total missed by {error:+.1%}, within a tenth or its 95% interval, and the "
        "ranking holds (Gini {gini:.2f}).",
        "预测合计偏差为{error:+.1%}，在一成或95%区间之内，且客户排序有效（基尼系数{gini:.2f}）。",
    ),
}


def judged(verdict: str, code: str, **values: object) -> Badge:
    """The badge that this rule gives."""
    english, chinese = (_with_minus_signs(rule.format(**values)) for rule in RULES[code])
    return Badge(verdict, code, english, chinese)


def _with_minus_signs(text: str) -> str:
    """A hyphen before a number is a minus sign, as everywhere in the report."""
    return re.sub(r"(?<![A-Za-z0-9_.])-(?=\d)", "\N{MINUS SIGN}", text)


def worst_of(*badges: Badge) -> Badge:
    """The least trusting of the badges; the first among equals."""
    return max(badges, key=lambda badge: VERDICTS.index(badge.verdict))
