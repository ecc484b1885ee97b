"""Evaluation: whom a model finds, by exact and named rules, with how sure that is."""

from closerlook.evaluation.attention import attention
from closerlook.evaluation.compare import Comparison, compare, pair_scale
from closerlook.evaluation.matching import Matching
from closerlook.evaluation.pictures import draw_rankings, save_rankings
from closerlook.evaluation.protocol import PROTOCOLS, Labels, Protocol
from closerlook.evaluation.reranking import KReciprocal
from closerlook.evaluation.result import Result
from closerlook.evaluation.run import evaluate, load_model, rank
from closerlook.evaluation.statistics import Difference

__all__ = [
    "PROTOCOLS",
    "Comparison",
    "Difference",
    "KReciprocal",
    "Labels",
    "Matching",
    "Protocol",
    "Result",
    "attention",
    "compare",
    "draw_rankings",
    "evaluate",
    "load_model",
    "pair_scale",
    "rank",
    "save_rankings",
]
