"""Warp kernels and the renderer that drives them."""

import warp

warp.config.quiet = True
