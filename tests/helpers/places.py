"Where things are."
import pkgutil, subprocess
from pathlib import Path

REPO = Path(__file__).parents[2]
NBS = REPO / "nbs"


def modules() -> dict[str, Path]:
    "The file of each module of the package, by its dotted name without `study_group.`: each that Python finds."
    root = REPO / "study_group"
    found = {".".join(path.relative_to(root).with_suffix("").parts): path for path in root.rglob("*.py")}
    files = {name: path for name, path in found.items() if not name.endswith("__init__")}
    known = {m.name.removeprefix("study_group.") for m in pkgutil.walk_packages([root], "study_group.") if not m.ispkg}
    assert files.keys() == known != set(), files.keys() ^ known
    return found


def tracked(*folders: str, suffix: str = "") -> list[Path]:
    "The files in these folders of the repository that git tracks or would track; some."
    ask = ["git", "ls-files", "-coz", "--exclude-standard", "--", *folders]
    names = subprocess.run(ask, cwd=REPO, capture_output=True, text=True, check=True).stdout.split("\0")
    found = sorted(path for name in names if name.endswith(suffix) and (path := REPO / name).is_file())
    assert found, (folders, suffix)
    return found
