"""The KPI frame: its columns, what its statuses are, and its reasons in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

KEYS = ["metric", "variant", "period", "by", "group"]
SUMS = ("sum_x", "sum_y", "sum_xx", "sum_yy", "sum_xy")
BOUNDS = ("least", "most")  # what a figure can be at the least and at the most
ESTIMATE_COLUMNS = (
    "value", "low", "high", "standard_error", "n", "numerator", "denominator", "status", "reason",
)  # fmt: skip
KPI_COLUMNS = [*KEYS, *ESTIMATE_COLUMNS]
NOT_STATED = "not_stated"  # the group of rows whose dimension is empty

MEASURED, WITH_CARE, NOT_MEASURED = "measured", "with_care", "not_measured"
"""The three values of ``status``."""

REASONS: dict[str, dict[str, str]] = {
    "census": {
        "en": "every row is counted, nothing is sampled, so there is no interval",
        "zh": "全量统计，并非抽样，因此不给出区间",
    },
    "no_rows": {"en": "no rows to measure it on", "zh": "没有可供计算的数据"},
    "zero_denominator": {"en": "the denominator adds up to zero", "zh": "分母合计为零"},
    "values_missing": {"en": "there are rows, but their values are missing", "zh": "有数据行，但取值缺失"},
    "outside_range": {
        "en": "the sums contradict the kind of metric (for instance more hits than rows)",
        "zh": "汇总数与指标类型矛盾（例如命中数多于行数）",
    },
    "no_interval_rule": {
        "en": "no interval is defined for this kind of metric",
        "zh": "此类指标没有区间的计算方法",
    },
    "no_interval": {"en": "no interval was supplied", "zh": "未提供区间"},
    "single_row": {"en": "one row only, so there is no interval", "zh": "只有一行数据，无法给出区间"},
    "no_spread": {
        "en": "all {0} rows agree, so the interval has no width",
        "zh": "{0}行数据完全一致，区间没有宽度",
    },
    "few_in_ratio": {
        "en": "only {0} rows; under 30 the interval of a ratio is too narrow",
        "zh": "仅{0}行数据，少于30行时比率的区间偏窄",
    },
    "negative_denominator": {"en": "the denominator is negative", "zh": "分母为负数"},
    "few_for_quantile": {
        "en": "only {0} rows, too few for both limits of the interval",
        "zh": "仅{0}行数据，不足以给出区间的上下限",
    },
    "before_data": {"en": "the data begin only on {0}", "zh": "数据自{0}才开始"},
    "after_data": {"en": "the data end on {0}, before this period", "zh": "数据止于{0}，早于本期"},
    "data_begin_inside": {
        "en": "the data begin on {0}, in the middle of the period",
        "zh": "数据自{0}开始，位于本期中间",
    },
    "model_degenerate": {
        "en": "the model could not be fitted to these histories",
        "zh": "模型无法拟合现有的购买历史",
    },
    "one_group_only": {
        "en": "no dimension splits these customers into groups",
        "zh": "没有可将客户分组的维度",
    },
    "not_begun": {"en": "the period has not begun", "zh": "本期尚未开始"},
    "no_histories": {"en": "nobody has a purchase history yet", "zh": "尚无客户购买历史"},
    "model_with_care": {
        "en": "the model behind it is to be used with care; the page on customer value says why",
        "zh": "所依据的模型需谨慎使用，原因见“客户价值”页",
    },
    "model_not_to_be_used": {
        "en": "the model behind it is not to be used; the page on customer value says why",
        "zh": "所依据的模型不宜使用，原因见“客户价值”页",
    },
    "no_new_customers": {"en": "there are no new customers", "zh": "没有新增客户"},
    "no_fit_before": {
        "en": "there are no purchase histories at the period's start to say who was at risk",
        "zh": "期初尚无购买历史，无法判定当时谁有流失风险",
    },
    "nobody_at_risk": {"en": "nobody was at risk at the period's start", "zh": "期初没有客户处于流失风险"},
    "table_absent": {"en": "table {0} is not supplied", "zh": "未提供数据表“{0}”"},
    "not_measured_by": {"en": "not measured by {0}", "zh": "不按{0}统计"},
    "group_absent": {"en": "no figure for group {0}", "zh": "分组“{0}”没有数据"},
    "period_absent": {"en": "period {0} is not measured", "zh": "{0}期没有数据"},
    "no_earlier_period": {"en": "there is no earlier period to look at", "zh": "没有更早的期间可供对照"},
    "metric_absent": {"en": "this metric was not measured in this run", "zh": "本次运行未计算该指标"},
    "no_target": {"en": "no target is set for it", "zh": "未设定目标"},
    "targets_differ": {
        "en": "the table of targets gives {0} different targets for it",
        "zh": "目标表中给出了{0}个不同的目标值",
    },
    "target_of_whole_period": {
        "en": "the target is that of all of {0}, of which only the first days are measured",
        "zh": "目标针对{0}全期，而统计仅含其前若干天",
    },
    "target_of_other_definition": {
        "en": "its target is for another definition than the one this run has chosen",
        "zh": "其目标针对另一口径，与本次运行所选口径不同",
    },
    "target_of_no_period": {
        "en": "the table of targets gives “{0}”, which is no period",
        "zh": "目标表中的“{0}”不是有效期间",
    },
    "target_out_of_reach": {
        "en": "this figure cannot take the value of its target (shares lie between 0 and 1, scores on their scale)",
        "zh": "目标值超出该指标的取值范围（占比应在0与1之间，得分应在其量表之内）",
    },
    "no_direction": {
        "en": "neither a higher nor a lower figure is better",
        "zh": "该指标无所谓高低优劣",
    },
    "metric_unknown": {"en": "there is no such metric", "zh": "没有此指标"},
    "division_by_zero": {"en": "division by zero", "zh": "除数为零"},
    "denominator_may_be_zero": {
        "en": "the denominator may well be zero, so there is no interval",
        "zh": "分母可能为零，无法给出区间",
    },
    "dependent_operands": {
        "en": "the figures it is made of depend on each other, so there is no interval",
        "zh": "所用指标彼此相关，无法给出区间",
    },
    "no_product_interval": {
        "en": "both factors may be zero, so there is no interval",
        "zh": "两个因子都可能为零，无法给出区间",
    },
    "no_function_interval": {
        "en": "no interval is defined for {0} of several estimates",
        "zh": "对多个估计值取 {0} 时没有区间的计算方法",
    },
}
"""Every reason a figure may carry. Stored as ``code`` or ``code|argument``; several are joined by ``;``.
``of|name|reason`` says that the reason is that of the named metric or period."""

SHIFT_WORDS = {
    "previous": {"en": " (previous period)", "zh": "（上期）"},
    "year_ago": {"en": " (year ago)", "zh": "（去年同期）"},
}


def reason_text(reason: object, language: str = "en", names: Mapping[str, str] | None = None) -> str:
    """The reason of a figure in the reader's language; empty where there is none.

    Parameters
    ----------
    reason
        What the ``reason`` column holds: ``code``, ``code|argument``, ``of|name|code|argument``, several of
        them joined by ``;``, or missing. A text that is no known code is returned as it stands.
    language
        ``en`` or ``zh``.
    names
        Display names for the arguments (dimensions, tables, metric ids).

    Raises
    ------
    ValueError
        If the language is neither of the two.
    """
    if language not in ("en", "zh"):
        raise ValueError(f"no reasons in language {language!r}; expected 'en' or 'zh'")
    if not isinstance(reason, str):
        return ""
    separator = "; " if language == "en" else "；"
    parts = [part.strip() for part in reason.split(";")]
    return separator.join(_one_reason_text(part, language, names or {}) for part in parts if part)


def _one_reason_text(reason: str, language: str, names: Mapping[str, str]) -> str:
    code, *arguments = reason.split("|")
    if code == "of" and len(arguments) > 1:
        colon = ": " if language == "en" else "："
        inner = _one_reason_text("|".join(arguments[1:]), language, names)
        return _display_name(arguments[0], language, names) + colon + inner
    if code not in REASONS:
        return reason
    shown = [names.get(argument, argument) for argument in arguments] or ["–"]
    return REASONS[code][language].format(*shown)


def _display_name(name: str, language: str, names: Mapping[str, str]) -> str:
    head, _, shift = name.rpartition(".")
    if name not in names and head in names and shift in SHIFT_WORDS:
        return f"{names[head]}{SHIFT_WORDS[shift][language]}"
    return names.get(name, name)
