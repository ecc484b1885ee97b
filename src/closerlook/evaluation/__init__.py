"""Evaluation: whom a model finds, by exact and named rules, with how sure that is."""

from closerlook.evaluation.evaluate import evaluate, rank
from closerlook.evaluation.matching import Matching
from closerlook.evaluation.protocol import PROTOCOLS, Labels, Protocol
from closerlook.evaluation.reranking import KReciprocal
from closerlook.evaluation.result import Result
from closerlook.evaluation.statistics import Difference

__all__ = ["PROTOCOLS", "Difference", "KReciprocal", "Labels", "Matching", "Protocol", "Result", "evaluate", "rank"]
