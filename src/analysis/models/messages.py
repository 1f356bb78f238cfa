"""What a fit says of itself, in English and Chinese."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    "converged": (
        "Newton's method settled after {evaluations} evaluations.",
        "牛顿法经{evaluations}次计算收敛。",
    ),
    "other_method": (
        "Newton's method did not settle; {method} found the maximum.",
        "牛顿法未收敛，改由 {method} 求得极大值。",
    ),
    "not_pinned_down": (
        "The data do not pin down {names}: predictions stand, the standard errors of {names} do not exist.",
        "数据不足以确定参数 {names}：预测仍可用，但 {names} 没有标准误。",
    ),
    "starts_agree": (
        "lifetimes' search was started {starts} times and ended at the same likelihood; it gives no standard errors.",
        "lifetimes 从{starts}个起点搜索，终点的似然一致；该方法不提供标准误。",
    ),
    "starts_differ": (
        "lifetimes' search was started {starts} times and ended at different likelihoods: read the numbers with care.",
        "lifetimes 从{starts}个起点搜索，终点的似然不一致：请谨慎解读。",
    ),
    "lifetimes_fails": (
        "lifetimes found no finite likelihood for these customers; the model is not used.",
        "lifetimes 未能为这些客户求得有限的似然值，不使用该模型。",
    ),
    "no_maximum": (
        "No maximum of the likelihood was found; the model is not used.",
        "未能找到似然函数的极大值，不使用该模型。",
    ),
    "no_customers": ("There are no customers to learn from.", "没有可供学习的客户。"),
    "nobody_repeats": (
        "None of the {customers:g} customers bought again: a purchase rate cannot be learnt.",
        "{customers:g}位客户均未再次购买，无法估计购买率。",
    ),
    "too_few_repeaters": (
        "Too few repeat customers ({repeaters:g}); the model needs at least {least}.",
        "仅有{repeaters:g}位重复购买客户，少于模型所需的{least}位。",
    ),
    "too_alike": (
        "The customers have only {distinct} different histories; the model needs at least {least}.",
        "客户的购买历史仅有{distinct}种，少于模型所需的{least}种。",
    ),
    "constant_spend": (
        "Every customer spends the same ({spend:g}): there is no spread to model.",
        "所有客户的平均消费均为{spend:g}，没有可建模的差异。",
    ),
    "no_mean_spend": (
        "The fitted spend has no mean (q = {q:.3f}, and a mean needs q > 1): the model is not used.",
        "拟合的消费分布没有均值（q = {q:.3f}，均值要求 q > 1），不使用该模型。",
    ),
    "cohort_mean": (
        "The mean rate of all customers stands in for a model. {reason}",
        "以全体客户的平均购买率代替模型：{reason}",
    ),
    "mean_spend": (
        "The mean spend of all repeat orders stands in for a model. {reason}",
        "以全部重复订单的平均消费代替模型：{reason}",
    ),
}


def worded(code: str, **values: object) -> tuple[str, str]:
    """The message of this code, in English and in Chinese."""
    english, chinese = MESSAGES[code]
    return english.format(**values), chinese.format(**values)
