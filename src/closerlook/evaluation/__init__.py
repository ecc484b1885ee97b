"""Evaluation: whom a model finds, by exact and named rules, with how sure that is."""

from closerlook.evaluation.attention import attention
from closerlook.evaluation.compare import Comparison, compare, pair_scale
from closerlook.evaluation.pictures import draw_rankings, save_rankings
from closerlook.evaluation.ranked_lists import Ranked, RankedList, ranked_lists
from closerlook.evaluation.result import Result
from closerlook.evaluation.run import evaluate, load_model, rank
from closerlook.metrics.matching import Matching
from closerlook.metrics.open_set import OpenSet
from closerlook.metrics.pairs import OperatingPoint, Pairs
from closerlook.metrics.protocol import PROTOCOLS, Labels, Protocol
from closerlook.metrics.reranking import KReciprocal
from closerlook.metrics.uncertainty import Difference

__all__ = [
    "PROTOCOLS",
    "Comparison",
    "Difference",
    "KReciprocal",
    "Labels",
    "Matching",
    "OpenSet",
    "OperatingPoint",
    "Pairs",
    "Protocol",
    "Ranked",
    "RankedList",
    "Result",
    "attention",
    "compare",
    "draw_rankings",
    "evaluate",
    "load_model",
    "pair_scale",
    "rank",
    "ranked_lists",
    "save_rankings",
]
