"""Models on the Hugging Face Hub, by huggingface_hub's own mixin: what others push and load, in the same two calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from closerlook.errors import CloserlookError, UsageError, first_line
from closerlook.escaping import in_markdown
from closerlook.inputs import MODEL_FILE
from closerlook.reid.model import CARD_FILE, Model

__all__ = ["pull", "push"]

_PLAIN_CARD = """\
---
library_name: closerlook
license: other
tags: [person-re-identification]
---

# {name}

Maps a picture of a person, {height} x {width} pixels, to a vector of {dim} numbers; pictures of one person should lie
close together. `closerlook.Model.from_pretrained` loads it; normalization is inside.

* **License**: a model inherits the terms of the data that it was trained on and of the weights that it started from;
  who publishes it says which.

## Not intended

Identifying, tracking or following real people; decisions about anybody; any use without the consent or the legal basis
that such pictures need.
"""


def push(model: Model, repository: str, **options: Any) -> str:
    """Upload a model, its card and what it takes; see :meth:`closerlook.Model.push_to_hub`."""
    height, width = model.size
    about = {"library_name": "closerlook", "height": height, "width": width, "dim": model.dim}
    with _explained(repository):
        url = _hosted()(model).push_to_hub(repository, config=about, **options)
        return str(url)


def pull(repository: str | Path, **options: Any) -> Model:
    """Download a model; see :meth:`closerlook.Model.from_pretrained`."""
    with _explained(repository):
        found: Model = _hosted().from_pretrained(repository, **options).model
        return found


def _hosted() -> Any:
    """A class of a model and what the mixin adds to it.

    Raises:
        UsageError: huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import ModelHubMixin, hf_hub_download
    except ImportError:
        raise UsageError("The Hub needs the package huggingface_hub: pip install 'closerlook[hub]'.") from None

    class Hosted(ModelHubMixin):
        def __init__(self, model: Model) -> None:
            self.model = model

        def _save_pretrained(self, save_directory: Path) -> None:
            self.model.save(save_directory / MODEL_FILE)
            (save_directory / CARD_FILE).write_text(self.model.card or _plain_card(self.model), encoding="utf-8")

        @classmethod
        def _from_pretrained(cls, *, model_id: str, **options: Any) -> Hosted:
            known = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            wanted = {name: options[name] for name in known}
            local = Path(model_id).is_dir()
            return cls(Model.load(model_id if local else hf_hub_download(model_id, MODEL_FILE, **wanted)))

    return Hosted


@contextmanager
def _explained(repository: str | Path) -> Iterator[None]:
    try:
        yield
    except CloserlookError:
        raise
    except Exception as error:  # of names, servers, and of whichever HTTP client huggingface_hub's version has
        raise CloserlookError(
            f"The Hub has or takes no model {repository} ({type(error).__name__}: {first_line(error)}): check the "
            "name, the network and whether you are logged in ('hf auth login')."
        ) from error


def _plain_card(model: Model) -> str:
    height, width = model.size
    return _PLAIN_CARD.format(name=in_markdown(model.name), height=height, width=width, dim=model.dim)
