"""Experiments on top of the pipeline: the paper's tables, equal-size controls, planted targets."""

from closerlook.study.ablation import run_study
from closerlook.study.arms import Run, Summary, read_runs, summarize

__all__ = ["Run", "Summary", "read_runs", "run_study", "summarize"]
