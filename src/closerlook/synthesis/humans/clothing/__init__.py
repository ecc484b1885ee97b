"""Garments: what people wear, how it is cut, how it hangs and what cloth it is made of."""
