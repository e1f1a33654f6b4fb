"What was recorded from other libraries, compared."
import math


def differences(old, new, path="") -> list:
    "Where two recordings differ: floats by more than 1e-5, everything else at all."
    if isinstance(old, float) and isinstance(new, (float, int)):
        return [] if math.isclose(old, new, rel_tol=1e-5, abs_tol=1e-5) else [(path, old, new)]
    if type(old) is not type(new): return [(path, old, new)]
    if isinstance(old, dict):
        if list(old) != list(new): return [(path, list(old), list(new))]
        return [d for k in old for d in differences(old[k], new[k], f"{path}/{k}")]
    if isinstance(old, list):
        if len(old) != len(new): return [(path, len(old), len(new))]
        return [d for i, pair in enumerate(zip(old, new)) for d in differences(*pair, f"{path}/{i}")]
    return [] if old == new else [(path, old, new)]
