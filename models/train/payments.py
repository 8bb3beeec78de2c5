"""The raw payments: a struct of arrays that genuine and fraudulent payments both fill."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass
class Payments:
    """One entry a payment.  -1 in `device` and `device_type`, NaN in places and `authenticated`: there is none."""

    time: np.ndarray  # seconds since day 0
    card: np.ndarray
    cents: np.ndarray
    category: np.ndarray
    country: np.ndarray
    channel: np.ndarray
    merchant: np.ndarray
    device: np.ndarray
    device_type: np.ndarray
    device_first_seen: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    authenticated: np.ndarray  # strong customer authentication: 1, 0, NaN where it does not apply
    declined: np.ndarray
    pattern: np.ndarray  # 0 genuine, else the number of the fraud pattern

    def __len__(self):
        return len(self.time)

    def take(self, chosen) -> "Payments":
        return Payments(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @staticmethod
    def joined(parts: list["Payments"]) -> "Payments":
        return Payments(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Payments)))
