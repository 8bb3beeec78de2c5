"""What thieves do: six patterns, of which four are old, two begin at `CHANGE_DAY`, and one all but ends there.

    pattern        days 0-89   days 90-119   what it looks like
    1 testing      common      rare          tiny online payments in minutes, many cards on one new device,
                                             then a big purchase of electronics or gift cards
    2 theft        common      common        the stolen card in shops and at cash machines far from home, in hours
    3 takeover     common      half          a new device, at night, abroad, large travel or electronics orders
    4 mail order   some        some          large mail orders, no device, no place
    5 patient      none        common        gift cards and crypto in middling amounts, one or two a day, from a
                                             device registered a few days before and a place near the victim's home
    6 persuasion   none        common        the cardholder himself, talked into it: own device, authenticated, by
                                             day, several transfers far above what the card usually spends

An incident is one card in the hands of one thief.  The rings' countries are drawn from the list by the
seed, anew at `CHANGE_DAY`: they stand for no real place.
"""

from dataclasses import dataclass

import numpy as np

import genuine
import population as world
from payments import Payments
from population import CATEGORY, DAY, Cards


@dataclass(frozen=True)
class Pattern:
    """What an incident of this kind is like."""

    number: int
    before: float  # incidents a day per 10,000 cards, until CHANGE_DAY
    after: float  # and from then on
    steps: tuple[int, int]  # payments of an incident, least and most
    gap_seconds: float  # mean between them
    categories: tuple[str, ...]
    median_eur: float
    spread: float  # of the amount's logarithm
    hours: tuple[float, float]  # of the first payment
    channel: int
    declined: float  # share of the payments
    authenticated: float  # share of the payments


# fmt: off
PATTERNS = [
    Pattern(
        number=1, before=5.0, after=1.4, steps=(3, 7), gap_seconds=240,
        categories=("electronics", "gift_cards", "digital_goods"),
        median_eur=220, spread=0.8, hours=(0, 24),
        channel=world.ONLINE, declined=0.25, authenticated=0.05),
    Pattern(
        number=2, before=3.2, after=2.7, steps=(2, 6), gap_seconds=2700,
        categories=("electronics", "jewellery", "clothing", "fuel"),
        median_eur=140, spread=0.9, hours=(9, 22),
        channel=world.CHIP, declined=0.15, authenticated=0.0),
    Pattern(
        number=3, before=3.6, after=1.7, steps=(1, 4), gap_seconds=1500,
        categories=("travel", "electronics", "money_transfer", "clothing"),
        median_eur=240, spread=0.9, hours=(20, 31),
        channel=world.ONLINE, declined=0.12, authenticated=0.15),
    Pattern(
        number=4, before=2.1, after=1.9, steps=(1, 3), gap_seconds=14000,
        categories=("electronics", "clothing", "travel", "jewellery"),
        median_eur=260, spread=0.8, hours=(8, 20),
        channel=world.MAIL_ORDER, declined=0.1, authenticated=0.0),
    Pattern(
        number=5, before=0.0, after=6.7, steps=(3, 7), gap_seconds=55000,
        categories=("gift_cards", "crypto", "gift_cards"),
        median_eur=75, spread=0.35, hours=(9, 21),
        channel=world.ONLINE, declined=0.04, authenticated=0.3),
    Pattern(
        number=6, before=0.0, after=4.2, steps=(1, 4), gap_seconds=5000,
        categories=("money_transfer", "crypto", "money_transfer"),
        median_eur=520, spread=0.7, hours=(9, 18),
        channel=world.ONLINE, declined=0.05, authenticated=0.9),
]
# fmt: on


def fraudulent_payments(rng: np.random.Generator, cards: Cards) -> Payments:
    parts = []
    ring_countries = [rng.permutation(len(world.COUNTRIES))[:4] for _ in range(2)]
    for pattern in PATTERNS:
        for after in (False, True):
            parts.append(_payments_of(rng, cards, pattern, after, ring_countries[int(after)], len(parts)))
    payments = Payments.joined(parts)
    return payments.take((payments.time > cards.opened[payments.card]) & (payments.time < world.DAYS * DAY))


def _payments_of(rng, cards, pattern, after, ring_countries, ring) -> Payments:
    victim, start = _incidents(rng, cards, pattern, after)
    steps = rng.integers(pattern.steps[0], pattern.steps[1] + 1, len(victim))
    incident = np.repeat(np.arange(len(victim)), steps)
    card, count = victim[incident], len(incident)
    step = np.arange(count) - np.repeat(np.cumsum(steps) - steps, steps)
    gaps = np.where(step == 0, 0, rng.exponential(pattern.gap_seconds, count) + 20)
    passed = np.cumsum(gaps)
    since_start = passed - np.repeat(passed[np.cumsum(steps) - steps], steps) if count else gaps
    time = (start[incident] + since_start).astype(np.int64)
    # Careful thieves spend what the victim would, near the victim's home, some through the victim's device.
    careful = rng.random(len(victim))[incident] < 0.3
    category = np.array([CATEGORY[name] for name in pattern.categories])[
        rng.integers(0, len(pattern.categories), count)
    ]
    median = np.where(careful, genuine.MEDIAN_EUR[category] * cards.scale[card], pattern.median_eur)
    euros = median * np.exp(rng.normal(0, pattern.spread, count))
    channel = np.full(count, pattern.channel)
    if pattern.number == 1:
        testing = step < np.repeat(steps, steps) - 2
        category = np.where(testing, CATEGORY["digital_goods"], category)
        euros = np.where(testing, rng.uniform(0.4, 4, count), euros)
    elif pattern.number == 2:
        channel = np.where(rng.random(count) < 0.3, world.CASH, np.where(euros < 50, world.CONTACTLESS, channel))
        category = np.where(channel == world.CASH, CATEGORY["cash_withdrawal"], category)
    country, latitude, longitude = _places(rng, cards, card, incident, pattern, ring_countries, careful)
    device, kind, seen = _devices(rng, cards, card, incident, start, time, pattern, ring, careful)
    online = channel == world.ONLINE
    rank = np.where(rng.random(count) < 0.5, incident % 3, rng.integers(0, world.MERCHANTS_PER_MARKET, count))
    return Payments(
        time=time,
        card=card,
        cents=genuine.price_cents(rng, euros),
        category=category,
        country=country,
        channel=channel,
        merchant=world.merchant_number(category, country, rank),
        device=device,
        device_type=kind,
        device_first_seen=seen,
        latitude=latitude,
        longitude=longitude,
        authenticated=np.where(online, rng.random(count) < pattern.authenticated, np.nan),
        declined=rng.random(count) < pattern.declined,
        pattern=np.full(count, pattern.number),
    )


def _incidents(rng, cards, pattern, after):
    """Victims, by how busy their cards are, and the second an incident starts."""
    first, last = (world.CHANGE_DAY, world.DAYS) if after else (-world.WARM_UP_DAYS, world.CHANGE_DAY)
    rate = (pattern.after if after else pattern.before) * len(cards.pace) / 10_000
    count = rng.poisson(rate * (last - first))
    victim = rng.choice(len(cards.pace), count, p=cards.pace / cards.pace.sum())
    hours = rng.uniform(*pattern.hours, count) % 24
    return victim, (rng.integers(first, last, count) * DAY + hours * 3600).astype(np.int64)


def _places(rng, cards, card, incident, pattern, ring_countries, careful):
    """The merchant's country, and the payment's place, the same throughout an incident but for some kilometres."""
    incidents = incident.max(initial=-1) + 1
    ring = ring_countries[rng.integers(0, len(ring_countries), incidents)][incident]
    at_home = rng.random(incidents)[incident] < {1: 0.3, 2: 0.7, 3: 0.3, 4: 0.5, 5: 0.85, 6: 0.5}[pattern.number]
    country = np.where(at_home | careful, cards.country[card], ring)
    typical = {1: 400, 2: 120, 3: 300, 4: 50, 5: 25, 6: 12}[pattern.number]
    kilometres = rng.lognormal(np.log(typical), 0.9, incidents)[incident] * rng.uniform(0.97, 1.03, len(card))
    near = genuine.displaced_home(rng, cards, card, np.where(careful, 10, kilometres))
    abroad = world.place_in(rng, country)
    own_place = at_home | careful | (pattern.number >= 5)
    hidden = {1: 0.4, 2: 0.0, 3: 0.35, 4: 1.0, 5: 0.1, 6: 0.1}[pattern.number]
    unknown = rng.random(incidents)[incident] < hidden
    places = [np.where(unknown, np.nan, np.where(own_place, near[axis], abroad[axis])) for axis in range(2)]
    return country, *places


def _devices(rng, cards, card, incident, start, time, pattern, ring, careful):
    """Testing shares devices among cards, takeover and patience use one an incident, persuasion the victim's own."""
    count = len(card)
    if pattern.channel != world.ONLINE:
        return np.full(count, -1), np.full(count, -1), np.zeros(count, np.int64)
    own = cards.device[card, 0]
    own_seen = np.minimum(cards.device_first_seen[card, 0], time)
    incidents = incident.max(initial=-1) + 1
    week = (start // (7 * DAY))[incident]
    shared = world.FIRST_FOREIGN_DEVICE * (ring + 1) + week * 16 + incident % 8
    single = world.FIRST_FOREIGN_DEVICE * (ring + 1) + incident
    foreign = shared if pattern.number == 1 else single
    age_days = {1: (0, 7), 3: (0, 0.2), 5: (3, 12), 6: (0, 0)}[pattern.number]
    first_seen = (start - rng.uniform(*age_days, incidents) * DAY).astype(np.int64)[incident]
    if pattern.number == 1:
        first_seen = np.minimum(week * 7 * DAY, time)
    mine = careful & (pattern.number != 1) | (pattern.number == 6)
    kind = rng.integers(0, len(world.DEVICE_TYPES), incidents)[incident]
    return (
        np.where(mine, own, foreign),
        np.where(mine, cards.device_type[card, 0], kind),
        np.where(mine, own_seen, np.minimum(first_seen, time)),
    )
