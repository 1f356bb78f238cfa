"""Names of companies and people in both languages, made of parts; any likeness is chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CITIES = (("Shanghai", "上海"), ("Hangzhou", "杭州"), ("Suzhou", "苏州"), ("Shenzhen", "深圳"), ("Guangzhou", "广州"),
          ("Beijing", "北京"), ("Tianjin", "天津"), ("Chengdu", "成都"), ("Chongqing", "重庆"), ("Wuhan", "武汉"),
          ("Changsha", "长沙"), ("Nanjing", "南京"))  # fmt: skip
WORDS = (("Bluestone", "青石"), ("Morning Light", "晨曦"), ("Riverbend", "河湾"), ("Pinewood", "松林"),
         ("Harvest", "丰禾"), ("Brightway", "明途"), ("Lotus", "荷风"), ("Redleaf", "红枫"), ("Cloudgate", "云门"),
         ("Evergreen", "长青"), ("Silverbay", "银湾"), ("Tallship", "远帆"), ("Jadeite", "翠玉"), ("Starfield", "星野"),
         ("Greenfield", "绿野"), ("Seagull", "海鸥"), ("Northpeak", "北峰"), ("Willow", "柳岸"), ("Swift", "迅达"),
         ("Goldspring", "金泉"))  # fmt: skip
TRADES = (
    ("Trading", "贸易"),
    ("Education", "教育"),
    ("Medical", "医疗"),
    ("Machinery", "机械"),
    ("Software", "软件"),
    ("Consulting", "咨询"),
    ("Foods", "食品"),
    ("Logistics", "物流"),
    ("Design", "设计"),
    ("Textiles", "纺织"),
)
SURNAMES = (("Wang", "王"), ("Li", "李"), ("Zhang", "张"), ("Liu", "刘"), ("Chen", "陈"), ("Yang", "杨"),
            ("Zhao", "赵"), ("Huang", "黄"), ("Zhou", "周"), ("Wu", "吴"), ("Xu", "徐"), ("Sun", "孙"), ("Ma", "马"),
            ("Zhu", "朱"), ("Hu", "胡"), ("Guo", "郭"))  # fmt: skip
GIVEN = (("Wei", "伟"), ("Fang", "芳"), ("Na", "娜"), ("Min", "敏"), ("Jing", "静"), ("Lei", "磊"), ("Jun", "军"),
         ("Yang", "洋"), ("Yan", "艳"), ("Jie", "杰"), ("Tao", "涛"), ("Chao", "超"), ("Xia", "霞"), ("Ping", "平"),
         ("Gang", "刚"), ("Ling", "玲"))  # fmt: skip
CHINESE_SHARE = 0.7


def customer_names(draws: np.random.Generator, n: int) -> NDArray[np.str_]:
    """Company names, seven of ten in Chinese."""
    city, word, trade = (draws.integers(len(parts), size=n) for parts in (CITIES, WORDS, TRADES))
    is_chinese = draws.random(n) < CHINESE_SHARE
    named = zip(city, word, trade, is_chinese, strict=True)
    return np.array([_company(CITIES[c], WORDS[w], TRADES[t], chinese) for c, w, t, chinese in named])


def _company(city: tuple[str, str], word: tuple[str, str], trade: tuple[str, str], chinese: bool) -> str:
    if chinese:
        return f"{city[1]}{word[1]}{trade[1]}有限公司"
    return f"{word[0]} {trade[0]} ({city[0]}) Co., Ltd."


def people_names(draws: np.random.Generator, n: int) -> NDArray[np.str_]:
    """Names of people, no two the same, Chinese and English by turns."""
    pairs = draws.permutation(len(SURNAMES) * len(GIVEN))[:n]
    found = []
    for turn, pair in enumerate(pairs):
        surname, given = SURNAMES[pair // len(GIVEN)], GIVEN[pair % len(GIVEN)]
        found.append(surname[1] + given[1] if turn % 2 else f"{given[0]} {surname[0]}")
    return np.array(found)
