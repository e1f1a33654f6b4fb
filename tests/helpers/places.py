"Where things are."
from pathlib import Path

REPO = Path(__file__).parents[2]
NBS = REPO / "nbs"
