"""Hides the values of secrets in whatever is stored, sent or logged. All doors use `Mask`, and nothing else hides."""

from app.masking.mask import NOTHING_HIDDEN, STARS, Mask, mask_of

__all__ = ["NOTHING_HIDDEN", "STARS", "Mask", "mask_of"]
