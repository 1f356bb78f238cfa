"""What the company sells: supplies for offices, and the upkeep of machines."""

from __future__ import annotations

import numpy as np

from .rows import Rows

CATALOGUE = {
    "Coffee": (("House blend beans 1 kg", 138.0), ("Dark roast beans 1 kg", 146.0), ("Capsules, box of 100", 240.0),
               ("Paper cups, 1000", 165.0), ("Milk powder 500 g", 58.0), ("Grinder", 690.0), ("Filter set", 46.0),
               ("Coffee machine", 3980.0)),
    "Water": (("Spring water 18.9 l", 26.0), ("Dispenser", 560.0), ("Filter cartridge", 180.0), ("Cup holder", 45.0),
              ("Bottled water, case", 48.0), ("Descaler", 39.0), ("Tap adapter", 85.0), ("Water softener", 1280.0)),
    "Paper": (("Copy paper A4, box", 118.0), ("Copy paper A3, box", 205.0), ("Envelopes, 500", 96.0),
              ("Labels, 1000", 64.0), ("Notebooks, 10", 88.0), ("Thermal rolls, 50", 110.0), ("Flip chart", 75.0),
              ("Archive boxes, 20", 145.0)),
    "Printing": (("Toner black", 420.0), ("Toner colour set", 1180.0), ("Drum unit", 760.0), ("Laser printer", 2680.0),
                 ("Staples, box", 35.0), ("Fuser kit", 980.0), ("Waste toner box", 130.0), ("Paper tray", 340.0)),
    "Cleaning": (("Hand soap 5 l", 68.0), ("Paper towels, case", 125.0), ("Toilet rolls, case", 135.0),
                 ("Disinfectant 5 l", 92.0), ("Bin bags, 500", 78.0), ("Floor cleaner 5 l", 84.0), 
                 ("Dispenser set", 260.0), ("Air freshener, 12", 150.0)),
    "Upkeep": (("Coffee machine upkeep, year", 2400.0), ("Printer upkeep, year", 9600.0),
               ("Full office upkeep, year", 36000.0), ("Repair visit", 380.0), ("Installation", 300.0),
               ("Training half day", 1500.0), ("Express delivery", 45.0), ("Disposal of old machine", 120.0)),
}  # fmt: skip
MARGIN = {"Coffee": 0.42, "Water": 0.38, "Paper": 0.24, "Printing": 0.30, "Cleaning": 0.33, "Upkeep": 0.55}
CATEGORIES = tuple(CATALOGUE)
PER_CATEGORY = 8
UPKEEP_BY_SEGMENT = {"small": "P041", "midsize": "P042", "enterprise": "P043"}
"""The product of a yearly contract."""


def list_prices() -> np.ndarray:
    """Price of each product, in the order of the catalogue."""
    return np.array([price for products in CATALOGUE.values() for _, price in products])


def product_ids() -> np.ndarray:
    """P001, P002, … in the order of the catalogue."""
    return np.array([f"P{i:03d}" for i in range(1, len(CATEGORIES) * PER_CATEGORY + 1)])


def products_table() -> Rows:
    """``products.csv``."""
    categories = np.repeat(np.array(CATEGORIES), PER_CATEGORY)
    prices = list_prices()
    return {
        "product_no": product_ids(),
        "product_name": np.array([name for products in CATALOGUE.values() for name, _ in products]),
        "category": categories,
        "list_price": prices,
        "unit_cost": np.round(prices * (1 - np.array([MARGIN[name] for name in categories])), 2),
    }
