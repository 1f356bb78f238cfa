"""What the demo company is made of: every number the report should find again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Segment:
    """Customers of one kind.

    Repeat orders are BG/NBD with ``r, alpha, a, b`` (time in weeks), amounts Gamma-Gamma with ``p, q, v`` (CNY);
    ``contract_share`` of them sign a yearly contract, each term of which is renewed with ``renewal_probability``.
    """

    share: float
    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    v: float
    contract_share: float
    renewal_probability: float
    contract_value: float


@dataclass(frozen=True)
class SlowTeam:
    """A support team slows down, and customers it served leave a quarter later."""

    team: str = "Chengdu desk"
    quarter: str = "2026Q2"
    first_response_factor: float = 3.0
    resolution_factor: float = 2.6
    offered_load: float = 4.75
    left_in: str = "2026Q3"
    leaving_probability: float = 0.45


@dataclass(frozen=True)
class WeakStage:
    """One stage of the funnel lets fewer opportunities through, by the day they entered it."""

    stage: str = "proposal"
    quarters: tuple[str, ...] = ("2026Q2", "2026Q3")
    conversion_before: float = 0.62
    conversion_after: float = 0.38


@dataclass(frozen=True)
class EmptyChannel:
    """One channel brings customers who order once and never again."""

    acquisition_channel: str = "group_buying"
    repeat_probability: float = 0.0


@dataclass(frozen=True)
class HandPicked:
    """A manager's good score: nobody asked by rule in the quarter, nine customers of his own choice."""

    account_manager_id: str = "AM07"
    quarter: str = "2026Q3"
    answers: int = 9
    latent_effect: float = -0.6


@dataclass(frozen=True)
class ChurnReason:
    """One reason is given for most voluntary exits of one region."""

    region: str = "Southwest China"
    reason: str = "delivery"
    share_there: float = 0.66
    share_elsewhere: float = 0.15


def _segments() -> dict[str, Segment]:
    return {
        "enterprise": Segment(0.10, 1.8, 5.0, 0.60, 10.0, 5.0, 4.0, 3000.0, 0.75, 0.88, 36_000.0),
        "midsize": Segment(0.32, 1.5, 7.0, 0.70, 7.0, 5.0, 4.0, 900.0, 0.40, 0.80, 9_600.0),
        "small": Segment(0.58, 1.2, 8.0, 0.80, 4.5, 5.0, 4.0, 330.0, 0.08, 0.70, 2_400.0),
    }


def _channels() -> dict[str, float]:
    return {"search": 0.27, "wechat": 0.22, "direct_sales": 0.17, "trade_fair": 0.10, "referral": 0.16,
            "group_buying": 0.08}  # fmt: skip


def _regions() -> dict[str, float]:
    return {"East China": 0.32, "South China": 0.22, "North China": 0.20, "Southwest China": 0.15,
            "Central China": 0.11}  # fmt: skip


def _teams() -> dict[str, float]:
    return {"Chengdu desk": 0.32, "Beijing desk": 0.26, "Shenzhen desk": 0.23, "Wuhan desk": 0.19}


def _stages() -> dict[str, float]:
    return {"lead": 0.55, "qualified": 0.64, "site_visit": 0.72, "proposal": 0.62, "negotiation": 0.70,
            "signing": 0.90}  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """The whole truth about the demo company; the same truth gives the same files, byte for byte.

    Attributes
    ----------
    seed
        Of fourteen tried, one in which chance alone moves nothing that has no story by two standard errors.
    growth_per_quarter, season
        How new customers come: growth, and by calendar quarter relative to the year.
    channels, regions, teams
        Their shares of customers (a customer has a home team, which gets nine of ten of his cases).
    stages
        Share of the opportunities that pass each stage, in order.
    offered_load, servers
        Of every team's telephone queue: calls at once, and people for them (Erlang C).
    resolution_effect
        Change of latent satisfaction (standard deviations) for each unit of the log of resolution time.
    """

    seed: int = 20260935
    customers: int = 6_000
    growth_per_quarter: float = 0.008
    founders_factor: float = 5.0
    season: tuple[float, ...] = (0.93, 1.0, 0.99, 1.08)
    segments: dict[str, Segment] = field(default_factory=_segments)
    channels: dict[str, float] = field(default_factory=_channels)
    regions: dict[str, float] = field(default_factory=_regions)
    teams: dict[str, float] = field(default_factory=_teams)
    stages: dict[str, float] = field(default_factory=_stages)
    contacts_per_order: float = 0.75
    offered_load: float = 3.9
    servers: int = 6
    handling_seconds: float = 480.0
    patience_seconds: float = 400.0
    relationship_response: float = 0.36
    transactional_response: float = 0.30
    resolution_effect: float = -0.40
    slow_team: SlowTeam = field(default_factory=SlowTeam)
    weak_stage: WeakStage = field(default_factory=WeakStage)
    empty_channel: EmptyChannel = field(default_factory=EmptyChannel)
    hand_picked: HandPicked = field(default_factory=HandPicked)
    churn_reason: ChurnReason = field(default_factory=ChurnReason)

    def as_dict(self) -> dict[str, Any]:
        """The truth as plain values, for ``truth.json``."""
        return asdict(self)


TRUTH = Truth()
