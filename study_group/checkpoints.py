"""Name a model in one way everywhere: nothing, a hub name, a folder, or your own (model, tokenizer) pair."""
from .core.checkpoints import (BUNDLED, CheckpointError, from_pretrained, load, load_model, load_shared, load_tokenizer,
                               quiet)
from .core.heads import HEADS

__all__ = ["BUNDLED", "HEADS", "CheckpointError", "from_pretrained", "load", "load_model", "load_shared",
           "load_tokenizer", "quiet"]
