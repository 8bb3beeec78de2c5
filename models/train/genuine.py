"""What honest cardholders do: daily shopping near home, trips, subscriptions, mail orders."""

import numpy as np

import population as world
from payments import Payments
from population import DAY, Cards

# Shares of the merchant categories, by channel; order of population.CATEGORIES.
CATEGORY_SHARES = np.array(
    [
        [30, 12, 14, 6, 2, 12, 7, 8, 0, 0.4, 0.3, 1.3, 0, 0, 0, 0],
        [40, 22, 8, 14, 0.5, 6, 1, 8, 0, 0.4, 0.2, 0, 0, 0, 0, 0],
        [9, 8, 0, 6, 7, 20, 11, 5, 14, 2.5, 3, 0.8, 3, 4, 1.5, 0],
        [3, 0, 0, 2, 22, 22, 15, 18, 0, 2, 0, 4, 10, 2, 0, 0],
        [0, 0, 0, 8, 0, 0, 0, 10, 38, 0, 0, 0, 44, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100.0],
    ]
)
# Median EUR and spread (of the logarithm), by category.
MEDIAN_EUR = np.array([24, 22, 52, 9, 190, 48, 130, 21, 8, 42, 26, 170, 64, 140, 110, 90.0])
SPREAD = np.array([0.8, 0.6, 0.35, 0.9, 0.9, 0.7, 0.9, 0.7, 0.7, 0.6, 1.0, 0.8, 0.5, 1.0, 1.1, 0.6])
# Payments by local hour: in shops, and on a screen.
SHOP_HOURS = np.array([1, 0.4, 0.2, 0.1, 0.1, 0.5, 2, 5, 7, 8, 9, 10, 12, 10, 9, 9, 10, 12, 12, 9, 6, 4, 3, 2])
SCREEN_HOURS = np.array([3, 1.6, 1, 0.7, 0.6, 0.8, 2, 4, 5, 6, 6, 6, 7, 6, 6, 6, 6, 7, 8, 10, 11, 11, 9, 6.0])
WEEKDAYS = np.array([0.93, 0.95, 0.97, 1.0, 1.17, 1.2, 0.78])


def genuine_payments(rng: np.random.Generator, cards: Cards) -> Payments:
    span = world.DAYS + world.WARM_UP_DAYS
    card = np.repeat(np.arange(len(cards.pace)), rng.poisson(cards.pace * span))
    count = len(card)
    channel = _channels(rng, cards.online_share[card])
    time = _times(rng, count, span, channel)
    away, abroad = _on_trip(cards, card, time)
    screen = channel >= world.ONLINE
    away &= ~screen
    category = pick_rows(rng, CATEGORY_SHARES[channel])
    country = np.where(away, abroad, cards.country[card])
    foreign_shop = (channel == world.ONLINE) & (rng.random(count) < 0.14)
    country = np.where(
        foreign_shop,
        rng.choice(len(world.COUNTRIES), count, p=world.TRAVEL_SHARES / world.TRAVEL_SHARES.sum()),
        country,
    )
    latitude, longitude = _places(rng, cards, card, channel, away, abroad)
    device, kind, seen = _device_used(rng, cards, card, time, channel)
    scale = MEDIAN_EUR[category] * cards.scale[card]
    payments = Payments(
        time=time,
        card=card,
        cents=price_cents(rng, scale * np.exp(rng.normal(0, 1, count) * SPREAD[category])),
        category=category,
        country=country,
        channel=channel,
        merchant=_merchants(rng, card, category, country),
        device=device,
        device_type=kind,
        device_first_seen=seen,
        latitude=latitude,
        longitude=longitude,
        authenticated=np.where(channel == world.ONLINE, rng.random(count) < 0.55, np.nan),
        declined=rng.random(count) < 0.025,
        pattern=np.zeros(count, np.int64),
    )
    return payments.take(time > cards.opened[card])


def pick_rows(rng, weights: np.ndarray) -> np.ndarray:
    """For every row of weights an index drawn by them."""
    edges = np.cumsum(weights, axis=1)
    return (edges < (rng.random(len(weights)) * edges[:, -1])[:, None]).sum(axis=1)


def price_cents(rng, euros: np.ndarray) -> np.ndarray:
    """Amounts as shops make them: whole euros, .99, or any cents; one cent at least."""
    style = rng.random(len(euros))
    whole = np.floor(euros)
    euros = np.where((style < 0.15) & (whole > 0), whole, np.where((style < 0.4) & (whole > 0), whole - 0.01, euros))
    return np.maximum(1, np.round(euros * 100)).astype(np.int64)


def _channels(rng, online_share):
    rest = 1 - online_share
    shares = np.column_stack(
        [rest * 0.36, rest * 0.58, online_share * 0.73, online_share * 0.07, online_share * 0.2, rest * 0.06]
    )
    return pick_rows(rng, shares)


def _times(rng, count, span, channel):
    day_weights = np.tile(WEEKDAYS, span // 7 + 1)[:span]
    day = rng.choice(span, count, p=day_weights / day_weights.sum()) - world.WARM_UP_DAYS
    hours = np.where(
        channel >= world.ONLINE,
        rng.choice(24, count, p=SCREEN_HOURS / SCREEN_HOURS.sum()),
        rng.choice(24, count, p=SHOP_HOURS / SHOP_HOURS.sum()),
    )
    return day * DAY + hours * 3600 + rng.integers(0, 3600, count)


def _on_trip(cards, card, time):
    away, abroad = np.zeros(len(card), bool), cards.country[card]
    for trip in range(2):
        now = (time >= cards.trip_start[card, trip]) & (time < cards.trip_end[card, trip])
        abroad = np.where(now, cards.trip_country[card, trip], abroad)
        away |= now
    return away, abroad


def _places(rng, cards, card, channel, away, abroad):
    """Shops: near home or anywhere in the trip's country.  Screens: where the address is believed to be, if known."""
    count = len(card)
    near = displaced_home(rng, cards, card, rng.lognormal(np.log(4), 1.1, count))
    far = world.place_in(rng, abroad)
    network = displaced_home(rng, cards, card, rng.lognormal(np.log(12), 1.4, count))
    elsewhere = world.place_in(rng, rng.permutation(cards.country[card]))
    hidden = rng.random(count) < 0.06
    unknown = (channel == world.MAIL_ORDER) | (channel == world.RECURRING)
    unknown |= (channel == world.ONLINE) & (rng.random(count) < 0.12)
    places = []
    for axis in range(2):
        online = np.where(hidden, elsewhere[axis], network[axis])
        place = np.where(channel == world.ONLINE, online, np.where(away, far[axis], near[axis]))
        places.append(np.where(unknown, np.nan, place))
    return places


def displaced_home(rng, cards, card, kilometres):
    return world.displaced(rng, cards.latitude[card], cards.longitude[card], kilometres)


def _device_used(rng, cards, card, time, channel):
    """Online payments come from the newest phone or the computer, if the card has met it yet; others from none.

    A tenth comes from what looks like a new device, because a browser forgot or hides who it is.
    """
    first_seen = cards.device_first_seen[card]
    choice = np.where(first_seen[:, 1] <= time, 1, 0)
    choice = np.where((rng.random(len(card)) < 0.35) & (first_seen[:, 2] <= time), 2, choice)
    rows = np.arange(len(card))
    online = channel == world.ONLINE
    fresh = rng.random(len(card)) < 0.1
    fresh_age = np.where(rng.random(len(card)) < 0.5, 0, rng.exponential(5 * DAY, len(card))).astype(np.int64)
    seen = np.where(fresh, time - fresh_age, np.minimum(first_seen[rows, choice], time))
    device = np.where(fresh, world.FIRST_FRESH_DEVICE + rows, cards.device[card, choice])
    return (
        np.where(online, device, -1),
        np.where(online, cards.device_type[card, choice], -1),
        np.where(online, seen, 0),
    )


def _merchants(rng, card, category, country):
    """Two of three payments go to the card's two usual places of a kind, the rest by popularity."""
    habit = (card * 2654435761 + category * 40503 + rng.integers(0, 2, len(card)) * 97) % world.MERCHANTS_PER_MARKET
    popular = np.minimum(rng.exponential(6, len(card)).astype(np.int64), world.MERCHANTS_PER_MARKET - 1)
    return world.merchant_number(category, country, np.where(rng.random(len(card)) < 0.66, habit, popular))
