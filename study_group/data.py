"""Text to learn from: a corpus and rated reviews that ship with the package, and many more one download away."""
from .core.data import KINDS, SDIST, SDIST_SHA256, bundled_reviews, cache_folder, corpus, index_url, load_reviews, split_of

__all__ = ["KINDS", "SDIST", "SDIST_SHA256", "bundled_reviews", "cache_folder", "corpus", "index_url", "load_reviews",
           "split_of"]
