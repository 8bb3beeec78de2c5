"""Who pays and where: countries, categories, and the simulated cards with their homes, devices and trips.

    card ── home country and place, account age, spending scale, pace (payments a day)
      ├──── device 0: phone      ─┐ first seen at a time of its own; a second phone may replace the first,
      ├──── device 1: next phone ─┤ and some cards share the computer of a household
      ├──── device 2: computer   ─┘
      └──── up to two trips: start, end, country

Times are whole seconds since day 0; the history starts `WARM_UP_DAYS` earlier, so that every window of
30 days is full when the first payment that counts is made.
"""

from dataclasses import dataclass

import numpy as np

DAY = 86_400
DAYS = 120
WARM_UP_DAYS = 30
CHANGE_DAY = 90

# Code is position.  A rough centre of each country, and its share of the cards.
COUNTRIES = [
    "DE",
    "FR",
    "IT",
    "ES",
    "NL",
    "BE",
    "AT",
    "CH",
    "PL",
    "CZ",
    "SE",
    "NO",
    "DK",
    "FI",
    "PT",
    "IE",
    "GB",
    "US",
    "CA",
    "JP",
]
CENTRES = np.array(
    [
        (51.0, 10.0),
        (46.6, 2.4),
        (42.8, 12.5),
        (40.2, -3.6),
        (52.2, 5.3),
        (50.6, 4.6),
        (47.6, 14.1),
        (46.8, 8.2),
        (52.1, 19.4),
        (49.8, 15.5),
        (60.1, 15.0),
        (61.0, 9.0),
        (56.0, 9.8),
        (62.0, 25.5),
        (39.6, -8.1),
        (53.2, -7.9),
        (52.6, -1.5),
        (39.8, -98.6),
        (45.5, -75.0),
        (35.9, 138.0),
    ]
)
CARD_SHARES = np.array([22, 17, 13, 11, 6, 4, 4, 3, 6, 3, 3, 2, 2, 2, 2, 1.5, 0, 0, 0, 0])
TRAVEL_SHARES = np.array([8, 11, 13, 15, 5, 3, 8, 4, 4, 4, 2, 2, 3, 2, 6, 3, 9, 6, 2, 2.0])

CHANNELS = ["chip", "contactless", "online", "mail_order", "recurring", "cash"]
CHIP, CONTACTLESS, ONLINE, MAIL_ORDER, RECURRING, CASH = range(6)
CATEGORIES = [
    "groceries",
    "restaurant",
    "fuel",
    "transport",
    "travel",
    "clothing",
    "electronics",
    "health",
    "digital_goods",
    "gift_cards",
    "gambling",
    "jewellery",
    "utilities",
    "money_transfer",
    "crypto",
    "cash_withdrawal",
]
CATEGORY = {name: code for code, name in enumerate(CATEGORIES)}
DEVICE_TYPES = ["android", "ios", "computer"]
FIRST_FRESH_DEVICE = 10_000_000  # numbers of devices that belong to no card begin here
FIRST_FOREIGN_DEVICE = 100_000_000  # and those of thieves here
MERCHANTS_PER_MARKET = 25  # of one category in one country


@dataclass
class Cards:
    """Struct of arrays, one entry a card; device arrays are [cards][3], trip arrays [cards][2]."""

    country: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    pace: np.ndarray
    scale: np.ndarray
    opened: np.ndarray
    issued: np.ndarray
    online_share: np.ndarray
    device: np.ndarray
    device_type: np.ndarray
    device_first_seen: np.ndarray
    trip_start: np.ndarray
    trip_end: np.ndarray
    trip_country: np.ndarray


def make_cards(rng: np.random.Generator, count: int) -> Cards:
    country = rng.choice(len(COUNTRIES), count, p=CARD_SHARES / CARD_SHARES.sum())
    latitude, longitude = place_in(rng, country)
    opened = (90 * DAY - rng.exponential(1300, count) * DAY).astype(np.int64)
    reissue = 3 * 365 * DAY
    issued = np.where(opened < 0, -((-opened) % reissue), opened)
    device, device_type, first_seen = _devices(rng, opened)
    trip_start = rng.integers(-WARM_UP_DAYS * DAY, DAYS * DAY, (count, 2))
    trip_length = rng.integers(3, 15, (count, 2)) * DAY * (rng.random((count, 2)) < 0.45)
    return Cards(
        country,
        latitude,
        longitude,
        pace=rng.lognormal(-0.9, 0.75, count),
        scale=rng.lognormal(0, 0.45, count),
        opened=opened,
        issued=issued,
        online_share=rng.beta(2.2, 2.8, count),
        device=device,
        device_type=device_type,
        device_first_seen=first_seen,
        trip_start=trip_start,
        trip_end=trip_start + trip_length,
        trip_country=rng.choice(len(COUNTRIES), (count, 2), p=TRAVEL_SHARES / TRAVEL_SHARES.sum()),
    )


def _devices(rng, opened):
    count = len(opened)
    device = np.arange(count * 3).reshape(count, 3)
    partner = rng.integers(0, count, count)
    shares = rng.random(count) < 0.2
    device[shares, 2] = device[partner[shares], 2]
    kinds = np.column_stack([rng.integers(0, 2, count), rng.integers(0, 2, count), np.full(count, 2)])
    first = opened + (rng.exponential(60, count) * DAY).astype(np.int64)
    second = np.maximum(first, 0) + (rng.exponential(500, count) * DAY).astype(np.int64)
    by_device = opened[device[:, 2] // 3] + (rng.random(count * 3)[device[:, 2]] * 200 * DAY).astype(np.int64)
    return device, kinds, np.column_stack([first, second, by_device])


def place_in(rng, country: np.ndarray):
    """Random places in countries: latitude and longitude in degrees."""
    centre = CENTRES[country]
    return centre[:, 0] + rng.normal(0, 1.2, len(country)), centre[:, 1] + rng.normal(0, 1.6, len(country))


def displaced(rng, latitude, longitude, kilometres):
    """Places `kilometres` away in a random direction."""
    angle = rng.uniform(0, 2 * np.pi, len(latitude))
    north = kilometres * np.cos(angle) / 111.2
    east = kilometres * np.sin(angle) / (111.2 * np.cos(np.radians(latitude)))
    return latitude + north, longitude + east


def kilometres_between(latitude_a, longitude_a, latitude_b, longitude_b):
    """Great-circle distance on a sphere of 6,371 km."""
    a, b = np.radians(latitude_a), np.radians(latitude_b)
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(longitude_b - longitude_a) / 2) ** 2
    return 2 * 6371.0 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def merchant_number(category, country, rank):
    """A merchant's identity: the rank-th of a category in a country."""
    return (category * len(COUNTRIES) + country) * MERCHANTS_PER_MARKET + rank
