"""Warp kernels and the renderer that drives them."""

import warp

warp.config.log_level = warp.LOG_ERROR  # no banner
