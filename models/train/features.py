"""The 32 features of a payment, in the order that every version of the model shares.

Velocity features are computed from the simulated history, never drawn: payments are sorted by (group,
time) and a window is a range of that order, found by binary search; sums are differences of running
sums in whole cents, so they are exact.

    card 7:  … ●────●──●─────●────◉            window of w seconds before payment i (◉):
                    └─ start ─────┘ i          rows start..<i, those with time > time[i] - w

Values are rounded as a payment service would send them: cents, 0.1 km, 0.01 h.  NaN is missing.
"""

from dataclasses import dataclass

import numpy as np

import population as world
from payments import Payments
from population import DAY, Cards

NEVER = np.iinfo(np.int64).max
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class Feature:
    name: str
    kind: str  # the manifest's type
    unit: str | None = None
    range: tuple[float, float] | None = None
    categories: tuple[str, ...] = ()
    missing: str = "model"
    why: str = ""  # what it is, and when it is missing
    reason: str = ""  # what a decision says where this feature made it; none: it is no reason to give


FEATURES = [
    Feature(
        "amount",
        "number",
        "EUR",
        (0, 100_000),
        missing="reject",
        why="of this payment",
        reason="Amount of the payment",
    ),
    Feature("hour", "number", "h", (0, 24), why="of the day, local time of the card's home"),
    Feature("weekday", "integer", None, (0, 6), why="0 is Monday"),
    Feature("merchant_country", "category", categories=tuple(world.COUNTRIES), reason="Country of the merchant"),
    Feature("merchant_category", "category", categories=tuple(world.CATEGORIES), reason="Kind of merchant"),
    Feature("channel", "category", categories=tuple(world.CHANNELS), reason="How the payment was made"),
    Feature("home_country", "category", categories=tuple(world.COUNTRIES), why="of the card"),
    Feature(
        "strong_authentication",
        "boolean",
        why="was the cardholder authenticated; missing unless online",
        reason="Authentication of the cardholder",
    ),
    Feature(
        "account_age",
        "number",
        "d",
        (0, 40_000),
        why="since the account was opened",
        reason="Age of the account or card",
    ),
    Feature(
        "card_age",
        "number",
        "d",
        (0, 4_000),
        why="since the card was issued",
        reason="Age of the account or card",
    ),
    Feature(
        "device_age",
        "number",
        "d",
        (0, 40_000),
        why="since the device was first seen; missing without a device",
        reason="Device of the payment",
    ),
    Feature(
        "device_type",
        "category",
        categories=tuple(world.DEVICE_TYPES),
        why="missing without a device",
        reason="Device of the payment",
    ),
    Feature(
        "device_cards_7d",
        "integer",
        None,
        (1, 10_000),
        why="distinct cards on the device, this one included; missing without a device",
        reason="Cards used on the device",
    ),
    Feature(
        "count_10min",
        "integer",
        None,
        (0, 10_000),
        why="earlier payments of the card in the window",
        reason="Number of recent payments",
    ),
    Feature("count_1h", "integer", None, (0, 10_000), reason="Number of recent payments"),
    Feature("count_24h", "integer", None, (0, 10_000), reason="Number of recent payments"),
    Feature("count_7d", "integer", None, (0, 10_000), reason="Number of recent payments"),
    Feature("count_30d", "integer", None, (0, 10_000), reason="Number of recent payments"),
    Feature(
        "sum_1h",
        "number",
        "EUR",
        (0, 1_000_000),
        why="of the card's earlier payments in the window",
        reason="Sum of recent payments",
    ),
    Feature("sum_24h", "number", "EUR", (0, 1_000_000), reason="Sum of recent payments"),
    Feature("sum_7d", "number", "EUR", (0, 1_000_000), reason="Sum of recent payments"),
    Feature("sum_30d", "number", "EUR", (0, 1_000_000), reason="Sum of recent payments"),
    Feature(
        "amount_ratio_30d",
        "number",
        None,
        (0, 100_000),
        why="amount by the card's mean of 30 days; missing without earlier payments",
        reason="Amount compared with the card's usual ones",
    ),
    Feature(
        "minutes_since_last",
        "number",
        "min",
        (0, 43_200),
        why="since the card's last payment; missing if none in 30 days",
        reason="Time since the last payment",
    ),
    Feature(
        "declines_24h",
        "integer",
        None,
        (0, 10_000),
        why="earlier declined payments of the card",
        reason="Recent declined payments",
    ),
    Feature(
        "distance_home",
        "number",
        "km",
        (0, 20_100),
        why="from the cardholder's home; missing where the place is unknown",
        reason="Place of the payment",
    ),
    Feature(
        "distance_last",
        "number",
        "km",
        (0, 20_100),
        why="from the card's last known place; missing without either",
        reason="Place of the payment",
    ),
    Feature(
        "speed_last",
        "number",
        "km/h",
        (0, 1_300_000),
        why="that distance by the time between, one minute at least",
        reason="Place of the payment",
    ),
    Feature(
        "merchants_7d",
        "integer",
        None,
        (1, 10_000),
        why="distinct merchants of the card, this one included",
        reason="Merchants new to the card",
    ),
    Feature(
        "new_merchant",
        "boolean",
        why="no payment of the card there in 30 days",
        reason="Merchants new to the card",
    ),
    Feature(
        "merchant_count_1h",
        "integer",
        None,
        (0, 100_000),
        why="earlier payments at the merchant",
        reason="Recent payments at the merchant",
    ),
    Feature(
        "merchant_small_share_24h",
        "number",
        None,
        (0, 1),
        why="of the merchant's earlier payments, those below 5 EUR; missing without any",
        reason="Recent payments at the merchant",
    ),
]
NAMES = [feature.name for feature in FEATURES]
CATEGORICAL = [index for index, feature in enumerate(FEATURES) if feature.kind == "category"]


class Grouped:
    """Payments in order of (group, time, position); answers windows of each for all payments at once."""

    def __init__(self, group: np.ndarray, time: np.ndarray):
        self.order = np.lexsort((time, group))
        ordered = group[self.order]
        self.group = np.cumsum(np.diff(ordered, prepend=ordered[:1]) != 0)  # 0, 1, 2 …: keys stay below 2^63
        self.time = time[self.order]
        shift = self.time.min(initial=0)
        self.key = self.group * (1 << 32) + (self.time - shift)
        self.row = np.arange(len(time))

    def starts(self, seconds: int) -> np.ndarray:
        """For each sorted row the first row of its group with time > own time - seconds."""
        first = np.searchsorted(self.group, self.group, "left")
        return np.maximum(first, np.searchsorted(self.key, self.key - seconds, "right"))

    def scattered(self, values: np.ndarray) -> np.ndarray:
        """From the sorted order back to the payments' order."""
        result = np.empty_like(values)
        result[self.order] = values
        return result

    def counts(self, seconds: int) -> np.ndarray:
        return self.scattered(self.row - self.starts(seconds))

    def sums(self, values: np.ndarray, seconds: int) -> np.ndarray:
        """Sums of an integer value over the earlier payments of the window."""
        running = np.concatenate([[0], np.cumsum(values[self.order])])
        return self.scattered(running[self.row] - running[self.starts(seconds)])

    def distinct(self, item: np.ndarray, seconds: int) -> np.ndarray:
        """Distinct items in the window and the payment itself.

        A row counts if its item does not come again up to the payment; windows are short, so all
        payments look one row further back at a time, until no window reaches that far.
        """
        item = item[self.order]
        again = np.full(len(item), NEVER)
        same = np.lexsort((self.row, item, self.group))
        pairs = (self.group[same[:-1]] == self.group[same[1:]]) & (item[same[:-1]] == item[same[1:]])
        again[same[:-1][pairs]] = same[1:][pairs]
        start, found, active = self.starts(seconds), np.ones(len(item), np.int64), self.row
        for back in range(1, len(item)):
            active = active[active - back >= start[active]]
            if len(active) == 0:
                break
            found[active] += again[active - back] > active
        return self.scattered(found)

    def previous(self, known: np.ndarray | None = None) -> np.ndarray:
        """The group's last earlier payment (where `known`), as a position among the payments; -1: none."""
        rows = self.row if known is None else np.where(known[self.order], self.row, -1)
        last = np.concatenate([[-1], np.maximum.accumulate(rows)[:-1]])
        inside = (last >= 0) & (self.group[last] == self.group)
        return self.scattered(np.where(inside, self.order[last], -1))


def feature_matrix(payments: Payments, cards: Cards) -> np.ndarray:
    """float64 [payments][32], order of FEATURES; `payments` need not be sorted by time."""
    columns = {}
    columns |= _plain(payments, cards)
    columns |= _device(payments)
    columns |= _card_velocity(payments)
    columns |= _movement(payments, cards)
    columns |= _merchant(payments)
    return np.column_stack([columns[name] for name in NAMES])


def _code(values):
    return np.where(values < 0, np.nan, values)


def _plain(payments, cards):
    card = payments.card
    return {
        "amount": payments.cents / 100,
        "hour": np.floor(payments.time % DAY / 36) / 100,
        "weekday": payments.time // DAY % 7,
        "merchant_country": payments.country,
        "merchant_category": payments.category,
        "channel": payments.channel,
        "home_country": cards.country[card],
        "strong_authentication": payments.authenticated,
        "account_age": np.round((payments.time - cards.opened[card]) / DAY, 1),
        "card_age": np.round((payments.time - cards.issued[card]) / DAY, 1),
    }


def _device(payments):
    there = payments.device >= 0
    cards_seen = np.full(len(payments), np.nan)
    cards_seen[there] = Grouped(payments.device[there], payments.time[there]).distinct(payments.card[there], 7 * DAY)
    age = np.round((payments.time - payments.device_first_seen) / DAY, 2)
    return {
        "device_age": np.where(there, age, np.nan),
        "device_type": _code(payments.device_type),
        "device_cards_7d": cards_seen,
    }


def _card_velocity(payments):
    by_card = Grouped(payments.card, payments.time)
    columns = {}
    for name, seconds in {"10min": 10 * MINUTE, "1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}.items():
        columns[f"count_{name}"] = by_card.counts(seconds)
        if seconds >= HOUR:
            columns[f"sum_{name}"] = by_card.sums(payments.cents, seconds) / 100
    count, total = columns["count_30d"], columns["sum_30d"]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.round(payments.cents / 100 / (total / count), 3)
    columns["amount_ratio_30d"] = np.where(count > 0, ratio, np.nan)
    last = by_card.previous()
    minutes = np.round((payments.time - payments.time[last]) / MINUTE, 1)
    columns["minutes_since_last"] = np.where(count > 0, minutes, np.nan)
    columns["declines_24h"] = by_card.sums(payments.declined.astype(np.int64), DAY)
    columns["merchants_7d"] = by_card.distinct(payments.merchant, 7 * DAY)
    return columns


def _movement(payments, cards):
    located = ~np.isnan(payments.latitude)
    last = Grouped(payments.card, payments.time).previous(located)
    home = world.kilometres_between(
        payments.latitude, payments.longitude, cards.latitude[payments.card], cards.longitude[payments.card]
    )
    way = world.kilometres_between(
        payments.latitude, payments.longitude, payments.latitude[last], payments.longitude[last]
    )
    way = np.where(last >= 0, np.round(way, 1), np.nan)
    hours = np.maximum(payments.time - payments.time[last], MINUTE) / HOUR
    return {"distance_home": np.round(home, 1), "distance_last": way, "speed_last": np.round(way / hours, 1)}


def _merchant(payments):
    by_merchant = Grouped(payments.merchant, payments.time)
    count = by_merchant.counts(DAY)
    small = by_merchant.sums((payments.cents < 500).astype(np.int64), DAY)
    last_there = Grouped(payments.card * (1 << 20) + payments.merchant, payments.time).previous()
    fresh = (last_there < 0) | (payments.time[last_there] <= payments.time - 30 * DAY)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.round(small / count, 3)
    return {
        "new_merchant": fresh,
        "merchant_count_1h": by_merchant.counts(HOUR),
        "merchant_small_share_24h": np.where(count > 0, share, np.nan),
    }
