"""Text to learn from: a corpus and rated reviews that ship with the package, many more one download away, and your own."""
from .core.data import (KINDS, SDIST, SDIST_SHA256, bundled_reviews, cache_folder, corpus, corpus_questions, index_url,
                        keep_sentences, load_reviews, my_sentences, split_of, tagged_sentences)

__all__ = ["KINDS", "SDIST", "SDIST_SHA256", "bundled_reviews", "cache_folder", "corpus", "corpus_questions", "index_url",
           "keep_sentences", "load_reviews", "my_sentences", "split_of", "tagged_sentences"]
